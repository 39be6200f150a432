import { availableParallelism, hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { runMergeProcess } from '../backends/merge-process.ts';
import { machineLockPath } from '../config/environment.ts';
import { keyOf } from '../contract.ts';
import type { GuardLimits } from '../guard/command.ts';
import type { MergeJob, Survey } from '../merge/job.ts';
import type { Machine } from '../merge/predict/shape.ts';

/** Reading footers is a matter of seconds; a file system that hangs ends it. */
const TIMEOUT_MS = 10 * 60_000;
export const SURVEY_TIMES = { timeoutMs: TIMEOUT_MS, stallMs: TIMEOUT_MS };

/** A folder without a configuration, as `widemerge merge` takes it when nothing else is said. */
export interface Folder {
  dir: string;
  key?: string[] | undefined;
  pattern?: string | undefined;
  memoryBytes: number;
}

export const surveyJob = ({ dir, key, pattern, memoryBytes }: Folder): MergeJob => ({
  steps: ['survey'],
  source: { dir: resolve(dir), root: null, pattern: pattern ?? '*.parquet', expected: null },
  // Nothing is written: a name that no file of the folder has.
  output: { path: join(resolve(dir), '.widemerge-plan'), replace: false },
  key: key === undefined ? 'interval_time' : keyOf(key),
  rows: 'union',
  reference: null,
  engine: 'stitch',
  verify: 'none',
  memoryBytes,
});

/** This machine, for predictions under a limit of memory. */
export const machineOf = (memoryBytes: number): Machine => ({
  memoryBytes,
  cores: availableParallelism(),
  host: hostname(),
});

/** Reads the footers in a guarded process. Throws a MergeError, and the signal's reason. */
export async function survey(job: MergeJob, limits: GuardLimits, signal: AbortSignal): Promise<Survey> {
  const result = await runMergeProcess(job, { limits, machineLock: machineLockPath, signal });
  if (result.survey === undefined) throw new Error('the merge process ended without its survey');
  return result.survey;
}
