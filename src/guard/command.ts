import type { GuardClock } from './clock.ts';
import type { MemoryMeansName } from './memory-means.ts';

/** What the guard is asked to run, under which limits, and what it reports. Free of Temporal and of Parquet. */
export interface GuardedCommand {
  command: string;
  args: string[];
  /** Added to a minimal environment; nothing else is inherited but PATH, HOME, LANG and TMPDIR. */
  env?: Record<string, string>;
  /** This process's whole environment, and its standard streams, which the guard then neither reads nor writes; no messages, no input. */
  passThrough?: boolean;
  cwd?: string;
  /** Written to standard input, which then stays open until the guard ends: its end tells the child that its guard is gone. */
  input?: string;
  /** Lock files taken (exclusively, without waiting) before the start and held by the whole process tree until its last process ends. */
  lockFiles: string[];
  /** Nothing of it may survive this process's own SIGKILL: it lives in a pid namespace where one may be had. */
  isolate?: boolean;
  /** The hard memory limits that may be used; the best that this machine has, by default. */
  memoryMeans?: readonly MemoryMeansName[];
  /** Where the evidence of a stall is written, before the kill; its folder must be there. */
  evidenceFile?: string;
}

export interface GuardLimits {
  /** Limit of the tree's memory, bytes: the kernel's hard limit where there is one, and in any case the watcher's. */
  memoryBytes: number;
  /** The watcher kills the tree at once above this resident size (anonymous + shared + swap), or above memoryBytes where that is less, bytes. */
  killAboveBytes: number;
  /** Of the guard's monotonic clock, from the spawn. */
  timeoutMs: number;
  /** Without any progress (messages, bytes read or written, CPU time) for this long, the tree is killed. */
  stallMs: number;
  /** Between SIGTERM and SIGKILL, for timeout and cancellation. */
  graceMs: number;
}

export interface GuardHooks {
  /** Each JSON value that the child wrote as a line to file descriptor 3. */
  onMessage?: (message: unknown) => void;
  /** Each sample of the tree's memory, bytes (anonymous + shared + swap, each counted once). */
  onSample?: (memoryBytes: number) => void;
  /** Each line of the child's standard error. */
  onStderr?: (line: string) => void;
  signal?: AbortSignal;
  /** The machine's monotonic clock where none is given. The grace and the waits for the killed go by that in any case. */
  clock?: GuardClock;
}

export type GuardOutcome =
  'succeeded' | 'failed' | 'memory-exhausted' | 'timed-out' | 'stalled' | 'killed' | 'cancelled';

export interface GuardReport {
  outcome: GuardOutcome;
  exitCode: number | null;
  signal: NodeJS.Signals | null;
  wallMs: number;
  /** Peak of the sampled memory of the tree, bytes. */
  peakBytes: number;
  /** CPU time of all processes of the tree, ms; of those that came and went between two samples only as far as somebody waited for them. */
  cpuMs: number;
  /** Memory over time, at most 200 pairs of ms since the start and bytes; each is the highest of its span. */
  series: [ms: number, memoryBytes: number][];
  /** The safeguards in force, by name, e.g. `cgroup-v1`, `watcher`, `lock`, `oom_score_adj`. */
  means: string[];
  /** The one of the means that ended it, or null. */
  limitedBy: string | null;
  /** Why the guard ended it, one line, or null. */
  reason: string | null;
  /** Of a stall: its processes and what their threads waited for, a line each, at most 56 of them. */
  evidence?: string[];
  /** Last lines of standard error (of standard output where there is none), at most 4 KiB. */
  stderrTail: string;
}
