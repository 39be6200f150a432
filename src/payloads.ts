/**
 * The payloads that the rooms hand to each other: types only. All are plain JSON, small, and carry paths instead of lists of
 * columns (Temporal payloads end at 2 MB).
 */
import type {
  BackendName,
  CanaryMode,
  CleanMode,
  FailureType,
  MergeKey,
  PairState,
  RowsMode,
  VerifyMode,
} from './contract.ts';

/** One failure as data: what, where, what to do. */
export interface FailureFacts {
  type: FailureType;
  message: string;
  file?: string;
  column?: string;
  /** Peak anonymous memory of the merge's process tree, bytes, where it was measured. */
  peakBytes?: number;
  /** Of a merge without progress: its processes and what their threads waited for, a line each. */
  evidence?: string[];
}

/** The checked configuration of a run: sizes in bytes, durations in milliseconds, paths absolute. */
export interface RunConfig {
  name: string;
  /** Folder with one folder of checkpoints per pair. */
  root: string;
  /** Folder of the merged files: `<output>/<PAIR>.parquet`. */
  output: string;
  /** Names, in order, or a pattern (`*`, `EUR*`) over the folders of `root`. */
  pairs: string[] | string;
  key: MergeKey;
  checkpoints: { pattern: string; expected: number | null };
  rows: RowsMode;
  /** File name of the reference checkpoint for `rows: reference`; null is the first. */
  reference: string | null;
  /** Rows of each row group of the outputs but the last; where missing, the most bytes of the checkpoints decide. */
  rowGroupRows?: number;
  backends: BackendName[];
  /** What the backend `command` runs: program and arguments with `{plan}` and `{out}`; missing where it is not in `backends`. */
  command?: EngineCommand;
  limits: { memoryBytes: number; killAboveBytes: number; timeoutMs: number; stallMs: number };
  health: HealthConfig;
  verify: VerifyMode;
  clean: CleanMode;
  replace: boolean;
  /** Whose worker has the files, `widemerge worker --host NAME`; missing where any worker has. */
  host?: string;
  /** Missing in runs that began before there was one. */
  bigquery?: BigqueryConfig;
  /** The command that is told what happens: program and arguments. Missing where nobody is told. */
  notify?: { command: string[]; timeoutMs: number };
  /** Missing, which is off, in runs that began before there was one. */
  canary?: CanaryMode;
}

/** When a pair waits for the machine. What is optional is missing where it is not checked, and in older runs. */
export interface HealthConfig {
  minFreeMemoryBytes: number;
  maxSwapUsedPercent: number;
  minFreeDiskBytes: number;
  /** Of the load average of a minute. */
  maxLoadPerCore?: number;
  /** The operator's own check: program and arguments. */
  command?: string[];
  commandTimeoutMs?: number;
}

/** A program that merges a pair; `{plan}` and `{out}` in its arguments stand for paths. */
export interface EngineCommand {
  /** The program and its arguments. */
  argv: string[];
  /** Folder that it runs in, absolute. */
  dir: string;
}

/** Money is in dollars, list prices of on-demand billing. */
export interface BigqueryConfig {
  /** Null: nothing is sent; estimates can still be made. */
  project: string | null;
  /** Of the datasets and jobs: a region or multi-region, e.g. `US`. */
  location: string;
  /** Of the staging tables. */
  dataset: string;
  /** Location that the workers are in; null is none of Google's. */
  workerLocation: string | null;
  stagingExpiresMs: number;
  budgetDollars: number;
  prices: { queryPerTiB: number; storageReadPerTiB: number; storagePerGiBMonth: number; egressPerGiB: number };
  /** Pairs that may be on BigQuery at a time. The rest is missing in runs of earlier versions. */
  sideBySide?: number;
  /** Most columns of a partition, its position included: 10,000 is what the service takes. */
  partitionColumns?: number;
  /** What a pair does while BigQuery cannot be reached: wait for it, or go to the next backend. */
  whenUnavailable?: 'wait' | 'nextBackend';
  /** What tables are loaded through, `gs://bucket/folder` or `bucket`; null: they are sent with the load jobs. */
  bucket?: string | null;
  /** What is left of a pair that BigQuery has merged: the merged file, tables and views there, or both. */
  output?: 'files' | 'tables' | 'both';
  /** Of the tables and views that are left; they do not expire. */
  outputDataset?: string;
}

/** What a failed pair has cost, or a merged one. */
export interface CloudBill {
  /** Jobs that were paid, bytes that their queries were billed for, bytes read back. */
  queries: number;
  bytesBilled: number;
  bytesRead: number;
  /** All of it, nano-dollars (1e-9 $). */
  nanos: number;
}

/** Why bytes were copied and not cloned: the file system has no clones, or the checkpoints lie on another one, which has. */
export type WhyCopied = 'noClones' | 'otherFileSystem';

/** Figures of one merged pair; bytes and milliseconds. */
export interface MergeFigures {
  files: number;
  rows: number;
  columns: number;
  aligned: number;
  realigned: number;
  /** Of the rewritten files; missing where an earlier version has merged them. */
  bytesRewritten?: number | undefined;
  /** Row groups of the output, and rows of the largest; missing where an engine chose them itself, or an earlier version merged. */
  rowGroups?: { count: number; rowsMost: number } | undefined;
  bytesIn: number;
  bytesOut: number;
  /** Bytes shared with the sources by the file system (cloned) and bytes written anew. */
  bytesCloned: number;
  bytesCopied: number;
  /** Missing where all could be cloned, or is rewritten. */
  whyCopied?: WhyCopied;
  wallMs: number;
  peakBytes: number;
  verified: VerifyMode;
  /** True where the output of the same inputs was there before. */
  alreadyMerged: boolean;
  /** What of its sources' metadata the output could not say of itself, and why; a few lines. */
  notes?: string[];
  /** Of a pair that was merged by BigQuery. */
  bill?: CloudBill;
  /** The limit of memory on the machine that merged it, and the peak that the plan predicted where it can; bytes. */
  limitBytes?: number;
  predictedBytes?: number;
  /** The views that were left on BigQuery, as `project.dataset: PAIR_1, PAIR_2`; `verified` is of the file, if there is one. */
  tables?: string;
}

export interface PairProgress {
  pair: string;
  state: PairState;
  backend: BackendName | null;
  /** What the pair waits for, or why it was set aside; one line. */
  reason: string | null;
  failure: FailureType | null;
  figures: MergeFigures | null;
  /** Operator's retries so far; part of the ids of what must not be repeated. */
  round: number;
  /** The failures that led it away from the backends before, one line; missing where there were none. */
  routed?: string;
  /** Spent on BigQuery so far, nano-dollars; missing where nothing was. */
  spentNanos?: number;
}

/** The first pair that a run has merged, as measured, and what was decided on it; bytes and milliseconds. */
export interface CanaryReport {
  pair: string;
  backend: BackendName | null;
  peakBytes: number;
  limitBytes: number;
  /** Null where the plan cannot predict this backend. */
  predictedBytes: number | null;
  wallMs: number;
  /** Of the output. */
  diskBytes: number;
  /** One line. */
  why: string;
  decision: 'passed' | 'awaiting' | 'approved';
}

export interface RunProgress {
  name: string;
  state: 'running' | 'paused' | 'awaitingApproval' | 'done';
  startedAt: string;
  /** Estimated end, ISO 8601, once a pair has been merged. */
  eta: string | null;
  pairs: PairProgress[];
  /** Refused messages and other remarks, newest last, at most 20. */
  notes: string[];
  /** How many notes there have ever been, those that have moved out included; missing where an older worker answers. */
  notesEver?: number;
  /** Missing until a pair has been measured, and where there is no canary. */
  canary?: CanaryReport;
}

export interface RunResult {
  name: string;
  merged: string[];
  setAside: { pair: string; failure: FailureType | null; reason: string }[];
  skipped: string[];
  /** True where every pair had been merged before. */
  nothingToDo: boolean;
}

/** What is told to the operator's `notify.command`; published as schema/notification.schema.json. */
export type Happening =
  | { event: 'pairSetAside'; pair: string; failure: FailureType | null; reason: string }
  | { event: 'machineUnhealthy'; pair: string; reason: string }
  | { event: 'mergeKilled'; pair: string; failure: FailureType; backend: BackendName | null; reason: string }
  | { event: 'budgetWarning'; pair: string; reason: string }
  | { event: 'approvalWanted'; pair: string; reason: string }
  | {
      event: 'runEnded';
      outcome: 'completed' | 'cancelled' | 'failed';
      merged: string[];
      setAside: string[];
      skipped: string[];
      reason: string;
    };

export type Notification = Happening & { run: string; workflowId: string; at: string };

export interface PauseRequest {
  /** Stop the running step too, keeping what is on disk. */
  now?: boolean;
}
export interface PivotRequest {
  backend: string;
  pair?: string;
  /** Stop the running step and go on with the new backend at once. */
  now?: boolean;
}
export interface PairRequest {
  pair: string;
}

/** What a merge activity heartbeats; `widemerge status` reads it from the pending activities. */
export interface MergeHeartbeat {
  step: string;
  filesDone: number;
  filesTotal: number;
  bytesDone: number;
  bytesTotal: number;
  memoryBytes: number;
  peakBytes: number;
  /** Of the queries so far: bytes billed, and slot time in milliseconds. */
  bytesBilled?: number;
  slotMs?: number;
}
