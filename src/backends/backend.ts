import type { BackendName } from '../contract.ts';
import type { FailureFacts, MergeFigures } from '../payloads.ts';
import type { GuardClock } from '../guard/clock.ts';
import type { GuardLimits } from '../guard/command.ts';
import type { MergeJob, Progress } from '../merge/job.ts';

/** A typed failure of a backend or of a merge process; the facts travel to the route unchanged. */
export class MergeError extends Error {
  readonly facts: FailureFacts;
  constructor(facts: FailureFacts, options?: ErrorOptions) {
    super(facts.message, options);
    this.name = facts.type;
    this.facts = facts;
  }
}

export interface MergeContext {
  limits: GuardLimits;
  /** The machine's lock file: one local merge at a time, whoever started it. */
  machineLock: string;
  signal?: AbortSignal;
  /** What the timeout and the look-out for stalls go by; the machine's monotonic clock where none is given. */
  clock?: GuardClock;
  onProgress?: (progress: Progress) => void;
  onMemory?: (memoryBytes: number) => void;
  /** What takes its time before the merge begins, one line: an environment that is made. */
  onRemark?: (line: string) => void;
}

/**
 * What merges a pair into the workspace beside its output, ready to be verified and published.
 * Throws a MergeError; when `context.signal` is aborted it stops, keeps what is on disk, and throws the signal's reason.
 */
export interface Backend {
  readonly name: BackendName;
  merge(job: MergeJob, context: MergeContext): Promise<MergeFigures>;
}
