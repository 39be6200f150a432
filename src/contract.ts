/**
 * The words that the rooms share: names of queues, workflow ids, messages, failures, backends and states.
 * This file imports nothing, so that workflow code (which runs in a sandbox) and every room may import it.
 */

export const TASK_QUEUES = {
  /** Workflows and light activities: discovery, health, clean, search attributes. */
  pipeline: 'widemerge',
  /** Whatever needs the machine's merge lock; its worker has one slot. */
  local: 'widemerge-local',
  /** Jobs of BigQuery: they need no lock, and several pairs may have theirs at a time. */
  bigquery: 'widemerge-bigquery',
} as const;

/** The queue of one host's activities: the files of a run that is bound to it are there. */
export const hostQueue = (queue: string, host: string): string => `${queue}@${host}`;

export const WORKFLOW_TYPES = {
  mergePairs: 'mergePairs',
  mergePair: 'mergePair',
  scheduledStart: 'scheduledStart',
  budget: 'budget',
} as const;

export const runWorkflowId = (name: string): string => `widemerge/${name}`;
export const pairWorkflowId = (name: string, pair: string): string => `widemerge/${name}/${pair}`;
export const scheduleWorkflowId = (name: string): string => `widemerge-schedule/${name}`;
export const scheduleId = (name: string): string => `widemerge/${name}`;
/** The one owner of a project's money, whichever runs spend it. */
export const budgetWorkflowId = (project: string): string => `widemerge/budget/${project}`;

export const MESSAGES = {
  pause: 'pause',
  resume: 'resume',
  pivotBackend: 'pivotBackend',
  skipPair: 'skipPair',
  retryPair: 'retryPair',
  approve: 'approve',
  progress: 'progress',
} as const;

/** Updates of the budget's workflow, and its query. */
export const BUDGET_MESSAGES = {
  reserve: 'reserve',
  settle: 'settle',
  release: 'release',
  raise: 'raise',
  ledger: 'ledger',
} as const;

/** Keyword search attributes; registered when a worker starts. */
export const SEARCH_ATTRIBUTES = { pair: 'MergePair', state: 'MergeState', backend: 'MergeBackend' } as const;

/** Every failure has one of these types; the route decides on the type, never on a message. */
export const FAILURES = {
  /** A checkpoint, or the set of them, cannot be merged as it is. */
  CheckpointInvalid: 'CheckpointInvalid',
  /** Another file is at the output path. */
  OutputExists: 'OutputExists',
  /** The output's folder is missing or cannot be written. */
  OutputUnwritable: 'OutputUnwritable',
  /** What was written is not what the sources hold. */
  OutputMismatch: 'OutputMismatch',
  /** A source changed while it was merged. */
  InputChanged: 'InputChanged',
  /** Evidence of memory: the engine's own out-of-memory error, the limit's kill, or the watcher's. */
  MemoryExhausted: 'MemoryExhausted',
  MergeTimedOut: 'MergeTimedOut',
  MergeStalled: 'MergeStalled',
  /** Somebody else's signal ended the merge: no evidence of memory. */
  Killed: 'Killed',
  /** The merge process ended in a way that is a bug. */
  CommandFailed: 'CommandFailed',
  DiskFull: 'DiskFull',
  HostUnhealthy: 'HostUnhealthy',
  /** Another local merge holds the machine's lock. */
  MachineBusy: 'MachineBusy',
  /** This backend would not give the pair back as it is (a type of a column, names): another one may. */
  EngineUnfit: 'EngineUnfit',
  /** The backend cannot be had here. */
  BackendUnavailable: 'BackendUnavailable',
  /** Several attempts on one backend vanished with their worker or machine: memory is suspected, not proven. */
  BackendLost: 'BackendLost',
  BudgetExceeded: 'BudgetExceeded',
  ConfigInvalid: 'ConfigInvalid',
} as const;
export type FailureType = keyof typeof FAILURES;

export const BACKENDS = ['local', 'bigquery', 'duckdb', 'polars', 'dask', 'pandas', 'command'] as const;
export type BackendName = (typeof BACKENDS)[number];
/** What tells the rows of a pair apart: a column, or several (two at least) in the order in which they lead the output. */
export type MergeKey = string | string[];
export const keyNamesOf = (key: MergeKey): string[] => (typeof key === 'string' ? [key] : key);
/** A key of one column is its name, however it was given: its merges stay the same. */
export const keyOf = (names: readonly string[]): MergeKey => (names.length === 1 ? names[0]! : [...names]);
export type RowsMode = 'union' | 'reference' | 'intersection';
export type VerifyMode = 'bytes' | 'full' | 'none';
export type CleanMode = 'keep' | 'trash' | 'delete';
/** Who decides, once the first pair is merged, whether the others may begin. */
export const CANARY_MODES = ['auto', 'approve', 'off'] as const;
export type CanaryMode = (typeof CANARY_MODES)[number];

export type PairState =
  | 'waiting'
  | 'discovering'
  | 'gated'
  | 'merging'
  /** On BigQuery, in this order: the spine and what is sent are prepared here; sent; joined there; read back. */
  | 'preparing'
  | 'staging'
  | 'querying'
  | 'fetching'
  | 'verifying'
  | 'publishing'
  | 'cleaning'
  | 'paused'
  | 'merged'
  | 'setAside'
  | 'skipped';
