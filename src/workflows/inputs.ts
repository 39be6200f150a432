import type { CarriedLedger } from '../budget/carried-ledger.ts';
import type { BackendName, FailureType, PairState } from '../contract.ts';
import type { CanaryReport, MergeFigures, PairProgress, RunConfig, RunProgress } from '../payloads.ts';
import type { PastFailure } from './route.ts';

/** Inputs and results of the workflows: plain JSON, types only. */

/** Knobs that a test turns and an operator need not. */
export interface Tuning {
  /** First wait after a failure that waits or is retried; it doubles up to `waitMaxMs`. */
  waitFirstMs?: number;
  waitMaxMs?: number;
  /** Of merge activities: how soon a vanished worker is noticed. Far above the 2 s at which heartbeats are sent. */
  heartbeatTimeoutMs?: number;
  /** How long a pair that leaves BigQuery waits for the end of its jobs there, at most. */
  endJobsMs?: number;
  /** Pairs after which the run continues as new. */
  pairsPerRun?: number;
  /** Waits after which a pair continues as new; by default when the server suggests it. */
  waitsPerRun?: number;
}

export interface MergePairsInput {
  config: RunConfig;
  /**
   * Only these pairs, which were set aside in an earlier run: they start as set aside, and the `retryPair` signal that
   * comes with the start makes them wait.
   */
  only?: { pair: string; round: number }[];
  tuning?: Tuning;
  /** Set by continue-as-new only. */
  carried?: CarriedRun;
}

/** A run's state between two of its parts; a pair that has not been touched is its name alone. */
export interface CarriedRun {
  pairs: (string | CarriedPair)[];
  startedAt: string;
  epoch: number;
  searchAttributes: boolean;
  paused: boolean;
  notes: string[];
  /** Missing where an earlier version carried the run. */
  notesEver?: number;
  newlyMerged: number;
  mergedMs: number;
  /** Missing until a pair has been measured. */
  canary?: CanaryReport;
}

export interface CarriedPair {
  pair: string;
  state?: PairState;
  backend?: BackendName;
  reason?: string;
  failure?: FailureType;
  figures?: MergeFigures;
  round?: number;
  routed?: string;
  spentNanos?: number;
  pivot?: BackendName;
}

export interface MergePairInput {
  config: RunConfig;
  pair: string;
  round: number;
  /** Distinguishes this run's attempts on disk from those of every other run. */
  epoch: number;
  /** The run's id, see run-id.ts; missing where an earlier version began the pair. */
  run?: string;
  pivot: BackendName | null;
  searchAttributes: boolean;
  tuning?: Tuning;
  /** Set by continue-as-new only. */
  carried?: CarriedPairRun;
}

/** A pair's state between two parts of its workflow, which starts again at discovery: every step is idempotent. */
export interface CarriedPairRun {
  failures: PastFailure[];
  pivot: BackendName | null;
  paused: boolean;
  round: number;
  /** Figures of the output once it is published. */
  published: MergeFigures | null;
  /** Something of it may lie on BigQuery; missing where nothing does. */
  staged?: boolean;
  /** Jobs of it may run there, or be unbooked. */
  jobsOpen?: boolean;
  billed?: CloudSums;
  spentNanos?: number;
  /** The operator has been told that it waits for the machine; missing where not. */
  toldUnhealthy?: boolean;
  /** Refused messages; missing where an earlier version carried the pair. */
  notes?: string[];
}

/** What a pair's steps on BigQuery have cost in this run so far, in all passes; nano-dollars. */
export interface CloudSums {
  query: number;
  fetch: number;
}

/** What mergePair returns; `state` is merged, setAside or skipped. */
export type PairOutcome = PairProgress & {
  /** Of this run's own work, milliseconds; null where there was nothing to merge. */
  workedMs: number | null;
  notes: string[];
};

export interface ScheduledStartInput {
  config: RunConfig;
  configDigest: string;
}
export interface ScheduledStartResult {
  started: boolean;
  workflowId: string;
  /** Why nothing was started; one line. */
  reason: string | null;
}

export interface BudgetInput {
  /** The Google Cloud project that is billed. */
  project: string;
  /** Updates after which it continues as new; for tests. */
  updatesPerRun?: number;
  /** Set by continue-as-new only. */
  carried?: CarriedLedger;
}

/** In the memo of a run from its start. Small: servers warn above 2 KB. */
export interface RunMemo {
  configDigest: string;
}

/** Upserted into the memo as the run goes on. */
export interface RunSummary {
  state: RunProgress['state'];
  startedAt: string;
  running: string | null;
  counts: Partial<Record<PairState, number>>;
  /** Operator's retries by pair, where there were any. */
  rounds: Record<string, number>;
  /** What awaits approval; missing where nothing does. */
  canary?: CanaryReport;
}
