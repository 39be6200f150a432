/** Engines: the ways to write the output of a plan. */
import type { WhyCopied } from '../payloads.ts';
import type { MergeJob } from './job.ts';
import type { MergePlan } from './plan.ts';
import type { Written } from './written.ts';

export interface EngineRequest {
  job: MergeJob;
  plan: MergePlan;
  /** Exists; holds what steps before this one have left. */
  workspace: string;
  /** To be written, and on disk (fsynced) on return; is not there. */
  outputPath: string;
  /** For parts that survive a kill; may be missing. */
  partsDir: string;
  signal: AbortSignal | undefined;
  /** Bytes done, and in all; their sum is the engine's own. */
  onBytes: (done: number, total: number) => void;
}

export interface EngineResult {
  bytesOut: number;
  bytesCloned: number;
  bytesCopied: number;
  whyCopied?: WhyCopied;
  /** Where it is missing, nothing was taken over, and the output is held against itself as it stands when the engine has ended. */
  written?: Written;
  /** What a person should know of the output; a line each. */
  notes?: string[];
}

/** Throws MergeFailure and the signal's reason. */
export type Engine = (request: EngineRequest) => Promise<EngineResult>;

/** By the name in a MergeJob. */
export type Engines = Partial<Record<MergeJob['engine'], Engine>>;
