import type { BackendName, FailureType, PairState } from '../contract.ts';
import type { PairProgress } from '../payloads.ts';

/** A pair as a run keeps it. */
export interface PairEntry {
  progress: PairProgress;
  /** The operator's choice of backend for this pair, or null. */
  pivot: BackendName | null;
}

const RUNNING: readonly PairState[] = [
  'discovering',
  'gated',
  'merging',
  'preparing',
  'staging',
  'querying',
  'fetching',
  'verifying',
  'publishing',
  'cleaning',
  'paused',
];

export function pristine(pair: string): PairProgress {
  return { pair, state: 'waiting', backend: null, reason: null, failure: null, figures: null, round: 0 };
}

export function isRunning(state: PairState): boolean {
  return RUNNING.includes(state);
}

/** What a pair waits for, or why it was set aside, for people: the type of its failure is said, and said once. */
export function whyText({ failure, reason }: { failure: FailureType | null; reason: string | null }): string {
  if (failure === null || reason?.includes(failure)) return reason ?? '';
  return reason === null ? failure : `${failure}: ${reason}`;
}
