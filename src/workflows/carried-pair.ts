import type { CarriedPair } from './inputs.ts';
import type { PairEntry } from './pair-entry.ts';

/** Figures of this many merged pairs stay in a run's state. */
export const FIGURES_KEPT = 500;

/** A pair without all that is at its default, so that thousands of them fit a continue-as-new. */
export function compactPair({ progress, pivot }: PairEntry): string | CarriedPair {
  const { pair, state, backend, reason, failure, figures, round, routed, spentNanos } = progress;
  const carried: CarriedPair = {
    pair,
    ...(state !== 'waiting' && { state }),
    ...(backend !== null && { backend }),
    ...(reason !== null && { reason }),
    ...(failure !== null && { failure }),
    ...(figures !== null && { figures }),
    ...(round !== 0 && { round }),
    ...(routed !== undefined && { routed }),
    ...(spentNanos !== undefined && { spentNanos }),
    ...(pivot !== null && { pivot }),
  };
  return Object.keys(carried).length === 1 ? pair : carried;
}

export function expandPair(carried: string | CarriedPair): PairEntry {
  const from: CarriedPair = typeof carried === 'string' ? { pair: carried } : carried;
  return {
    progress: {
      pair: from.pair,
      state: from.state ?? 'waiting',
      backend: from.backend ?? null,
      reason: from.reason ?? null,
      failure: from.failure ?? null,
      figures: from.figures ?? null,
      round: from.round ?? 0,
      ...(from.routed !== undefined && { routed: from.routed }),
      ...(from.spentNanos !== undefined && { spentNanos: from.spentNanos }),
    },
    pivot: from.pivot ?? null,
  };
}
