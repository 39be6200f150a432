import type { CanaryMode } from '../contract.ts';
import type { CanaryReport, MergeFigures, PairProgress, RunConfig } from '../payloads.ts';
import { sizeText } from './size-text.ts';

/** A peak above this part of the limit leaves the next pair, which may be a little wider, no room. */
const NEAR_LIMIT = 0.9;
/** A peak this many times the prediction says that the plan does not know this engine, or these files. */
const FAR_OFF = 2;
/** Below this no machine is in danger, whatever was predicted. */
const SMALL_BYTES = 256 * 2 ** 20;

/**
 * The first pair that a run merges goes alone. Its measured peak is compared with the limit and with what the plan predicted;
 * where that does not fit, or a human is to decide in any case, the others wait for `approve`. Plain synchronous code.
 */
export class Canary {
  /** What was measured and decided; null until a pair has been merged. */
  report: CanaryReport | null;
  private readonly mode: CanaryMode;

  /** A run that began before there was a canary has none. */
  constructor(config: Pick<RunConfig, 'canary'>, carried: CanaryReport | null = null) {
    this.mode = config.canary ?? 'off';
    this.report = carried;
  }

  get isAwaitingApproval(): boolean {
    return this.report?.decision === 'awaiting';
  }

  /** Whether no other pair may begin beside, or after, those that are open. */
  holdsBack(openPairs: number): boolean {
    if (this.mode === 'off') return false;
    return this.report === null ? openPairs > 0 : this.isAwaitingApproval;
  }

  /** A pair has ended. What was not merged now has no peak: the next one is the canary then. */
  hear({ pair, state, backend, figures }: PairProgress, limitBytes: number, pairsLeft: number): void {
    if (this.mode === 'off' || this.report !== null || state !== 'merged') return;
    if (figures === null || figures.alreadyMerged) return;
    const measured = measure(figures, limitBytes);
    const worry = worryOf(measured);
    const why = worry ?? (this.mode === 'approve' ? 'the configuration wants an approval' : 'it fits');
    const asks = pairsLeft > 0 && (this.mode === 'approve' || worry !== null);
    this.report = { pair, backend, ...measured, why, decision: asks ? 'awaiting' : 'passed' };
  }

  /** False where nothing awaits approval. */
  approve(): boolean {
    if (this.report === null || !this.isAwaitingApproval) return false;
    this.report = { ...this.report, decision: 'approved' };
    return true;
  }

  /** Another backend was chosen instead of an approval: what was measured says nothing of it. */
  startAgain(): void {
    this.report = null;
  }
}

type Measured = Pick<CanaryReport, 'peakBytes' | 'limitBytes' | 'predictedBytes' | 'wallMs' | 'diskBytes'>;

function measure(figures: MergeFigures, configuredBytes: number): Measured {
  const { peakBytes, wallMs, bytesOut, limitBytes, predictedBytes } = figures;
  return {
    ...{ peakBytes, wallMs, diskBytes: bytesOut },
    // The worker's machine may have less than what was configured.
    limitBytes: limitBytes ?? configuredBytes,
    predictedBytes: predictedBytes ?? null,
  };
}

function worryOf({ peakBytes, limitBytes, predictedBytes }: Measured): string | null {
  if (peakBytes > NEAR_LIMIT * limitBytes)
    return `its peak is ${Math.round((100 * peakBytes) / limitBytes)} % of the limit`;
  if (predictedBytes === null || peakBytes <= Math.max(SMALL_BYTES, FAR_OFF * predictedBytes)) return null;
  if (predictedBytes <= 0) return `its peak is ${sizeText(peakBytes)}, and none was predicted`;
  return `its peak is ${(peakBytes / predictedBytes).toFixed(1)} times what was predicted`;
}

/** The measured figures, one line: the question that an operator answers. */
export function canaryLine({ pair, backend, why, ...measured }: CanaryReport): string {
  const { peakBytes, limitBytes, predictedBytes, wallMs, diskBytes } = measured;
  const predicted = predictedBytes === null ? '' : `, predicted ${sizeText(predictedBytes)}`;
  return (
    `canary ${pair} (${backend ?? 'no backend'}): peak ${sizeText(peakBytes)} of ${sizeText(limitBytes)}${predicted}, ` +
    `${(wallMs / 1000).toFixed(1)} s, ${sizeText(diskBytes)} on disk; ${why}`
  );
}
