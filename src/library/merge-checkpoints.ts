import { realpath } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { createBackends } from '../backends/index.ts';
import { machineLockPath } from '../config/environment.ts';
import { keyOf, type BackendName, type RowsMode, type VerifyMode } from '../contract.ts';
import type { EngineCommand, MergeFigures } from '../payloads.ts';
import { globToRegExp } from '../merge/glob.ts';
import type { MergeJob, MergeStep, Progress } from '../merge/job.ts';
import { checkOptions, invalidOptions } from './check-options.ts';
import { limitsFor } from './limits.ts';

export interface MergeOptions {
  /** Folder of the files to merge. */
  dir: string;
  /** The merged file; its manifest comes beside it. Its folder must be there. */
  out: string;
  /** The column that all files share, or a list of columns that tell the rows apart together; `interval_time` by default. */
  key?: string | readonly string[] | undefined;
  /** All keys (`union`, the default), those of one file, or those that all files have. */
  rows?: RowsMode | undefined;
  /** Name of the file whose rows count, with `rows: 'reference'`; the first one by default. */
  reference?: string | undefined;
  /**
   * Rows of each row group of the output but the last, 1,000 at least, with the engine `local`: files that have such row groups are
   * copied, others rewritten. By default the row groups that most bytes have.
   */
  rowGroupRows?: number | undefined;
  /** Which files of the folder: `*` stands for any characters, `?` for one; `*.parquet` by default. */
  pattern?: string | undefined;
  /** Fail unless there are so many files. */
  expected?: number | undefined;
  /** `local` by default, the stitch. */
  engine?: Exclude<BackendName, 'bigquery'> | undefined;
  /** With `engine: 'command'`: what it runs, and in which folder. */
  command?: EngineCommand | undefined;
  /** `bytes` by default. */
  verify?: VerifyMode | undefined;
  /** Replace an output that was made of other files; otherwise it is never touched. */
  replace?: boolean | undefined;
  /** Memory that the merge may take before it is killed; 40 GiB by default, and 80 % of the machine's at most. */
  memoryBytes?: number | undefined;
  /** Longest time; 30 minutes by default. */
  timeoutMs?: number | undefined;
  /** Longest time without progress; 10 minutes by default. */
  stallMs?: number | undefined;
  /** Stops the merge; what is on disk stays, and the same call goes on from there. */
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: Progress) => void) | undefined;
  /** Several times a second: memory of all processes of the merge, bytes. */
  onMemory?: ((memoryBytes: number) => void) | undefined;
  /** Something that takes its time before the merge begins, one line. */
  onRemark?: ((line: string) => void) | undefined;
}

/**
 * Merges one folder of Parquet files into one file, in a guarded child process, one at a time on a machine: verified, fsynced, and under
 * its name only when it is whole. The same inputs are not merged twice (`alreadyMerged`).
 *
 * Throws a MergeError whose `facts.type` says what became of it (`CheckpointInvalid`, `OutputExists`, `MachineBusy`, `MemoryExhausted`,
 * `MergeTimedOut`, ...; `ConfigInvalid` for these options), or the signal's reason once it was aborted. Linux only.
 */
export async function mergeCheckpoints(options: MergeOptions): Promise<MergeFigures> {
  checkOptions(options);
  const { signal, onProgress, onMemory, onRemark } = options;
  const limits = limitsFor(options);
  const job = jobOf(options, limits.memoryBytes);
  await refuseOutputAmongSources(job);
  return createBackends()[options.engine ?? 'local'].merge(job, {
    limits,
    machineLock: machineLockPath,
    ...(signal !== undefined && { signal }),
    ...(onProgress !== undefined && { onProgress }),
    ...(onMemory !== undefined && { onMemory }),
    ...(onRemark !== undefined && { onRemark }),
  });
}

const STEPS: MergeStep[] = ['discover', 'merge', 'verify', 'publish'];

function jobOf(options: MergeOptions, memoryBytes: number): MergeJob {
  const verify = options.verify ?? 'bytes';
  return {
    steps: verify === 'none' ? STEPS.filter((step) => step !== 'verify') : STEPS,
    source: {
      dir: resolve(options.dir),
      root: null,
      pattern: options.pattern ?? '*.parquet',
      expected: options.expected ?? null,
    },
    output: { path: resolve(options.out), replace: options.replace ?? false },
    key: typeof options.key === 'object' ? keyOf(options.key) : (options.key ?? 'interval_time'),
    rows: options.rows ?? 'union',
    reference: options.reference ?? null,
    ...(options.rowGroupRows !== undefined && { rowGroupRows: options.rowGroupRows }),
    // Its backend knows better.
    engine: 'stitch',
    ...(options.command !== undefined && { command: options.command }),
    verify,
    memoryBytes,
  };
}

/**
 * A merge leaves its own output out only where the path is spelt like the folder's: by way of a link, or with another
 * output the next time, it would be taken for one of the files.
 */
async function refuseOutputAmongSources({ source, output }: MergeJob): Promise<void> {
  const name = basename(output.path);
  // Hidden files are no sources, whatever the pattern.
  if (name.startsWith('.') || !globToRegExp(source.pattern).test(name)) return;
  // A folder that is missing is for the merge to tell.
  const [outputDir, sourceDir] = await Promise.all(
    [dirname(output.path), source.dir].map((dir) => realpath(dir).catch(() => dir)),
  );
  if (outputDir !== sourceDir) return;
  const advice = 'put it elsewhere, or give it a name that the pattern does not match';
  throw invalidOptions(`the output ${output.path} would be one of the files to merge (${source.pattern}): ${advice}`);
}
