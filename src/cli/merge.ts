import { realpath } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { MergeError } from '../backends/backend.ts';
import { createBackends } from '../backends/index.ts';
import { machineLockPath } from '../config/environment.ts';
import { defaultMemoryBytes, machineMemoryBytes } from '../config/load.ts';
import { formatBytes, formatDuration } from '../config/units.ts';
import type { BackendName, MergeFigures, RowsMode, VerifyMode } from '../contract.ts';
import { globToRegExp } from '../merge/discover.ts';
import type { MergeJob, MergeStep } from '../merge/job.ts';
import { CommandError, UsageError } from './exit.ts';
import { interruptible } from './interrupt.ts';
import { mergeProgress } from './merge-progress.ts';
import { watchPeakRss } from './peak-rss.ts';

export interface MergeOptions {
  out: string;
  key: string;
  rows: RowsMode;
  reference?: string;
  pattern: string;
  expected?: number;
  memory?: number;
  timeout: number;
  stall: number;
  engine: BackendName;
  command?: string[];
  verify: VerifyMode;
  replace: boolean;
  json: boolean;
}

/** SIGTERM's grace before SIGKILL: the child only has to stop, what is on disk is fsynced as it goes. */
const GRACE_MS = 5_000;

/** `widemerge merge DIR --out FILE`: one folder, in one guarded child process, with no server at all. */
export async function merge(dir: string, options: MergeOptions): Promise<void> {
  if (options.reference !== undefined && options.rows !== 'reference')
    throw new UsageError('--reference names the file for --rows reference; give both');
  if ((options.command === undefined) === (options.engine === 'command'))
    throw new UsageError('--command says what --engine command runs; give both');
  const job = jobOf(dir, options);
  await refuseOutputAmongSources(job);
  using interrupt = interruptible();
  const peak = watchPeakRss();
  const progress = mergeProgress(process.stderr);
  let figures: MergeFigures;
  try {
    figures = await createBackends()[options.engine].merge(job, {
      limits: {
        memoryBytes: job.memoryBytes,
        killAboveBytes: Math.round(job.memoryBytes * 1.25),
        timeoutMs: options.timeout,
        stallMs: options.stall,
        graceMs: GRACE_MS,
      },
      machineLock: machineLockPath,
      signal: interrupt.signal,
      onProgress: progress.onProgress,
      onMemory: progress.onMemory,
      onRemark: (line) => console.error(line),
    });
  } catch (error) {
    throw error instanceof MergeError ? new CommandError(error.facts, { cause: error }) : error;
  } finally {
    progress.end();
    peak.stop();
  }
  console.log(summary(figures, job.output.path));
  if (options.json) console.log(JSON.stringify(resultLine(figures, job.output.path, peak.bytes())));
}

function jobOf(dir: string, options: MergeOptions): MergeJob {
  const steps: MergeStep[] = ['discover', 'merge', 'verify', 'publish'];
  return {
    steps: options.verify === 'none' ? steps.filter((step) => step !== 'verify') : steps,
    source: { dir: resolve(dir), root: null, pattern: options.pattern, expected: options.expected ?? null },
    output: { path: resolve(options.out), replace: options.replace },
    key: options.key,
    rows: options.rows,
    reference: options.reference ?? null,
    // Its backend knows better.
    engine: 'stitch',
    ...(options.command !== undefined && { command: { argv: options.command, dir: process.cwd() } }),
    verify: options.verify,
    memoryBytes: options.memory ?? defaultMemoryBytes(machineMemoryBytes()),
  };
}

/**
 * A merge leaves its own output out only where the path is spelt like the folder's: by way of a link, or with another
 * --out the next time, it would be taken for one of the files.
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
  throw new UsageError(`--out ${output.path} would be one of the files to merge (${source.pattern}): ${advice}`);
}

function resultLine(figures: MergeFigures, output: string, peakRssBytes: number) {
  const { files, rows, columns, aligned, realigned, bytesIn, bytesOut, wallMs, verified } = figures;
  return { files, rows, columns, aligned, realigned, bytesIn, bytesOut, wallMs, peakRssBytes, output, verified };
}

function summary(figures: MergeFigures, output: string): string {
  const shape = `${figures.columns.toLocaleString('en')} columns x ${figures.rows.toLocaleString('en')} rows`;
  if (figures.alreadyMerged) return `${output} holds these ${figures.files} files already: ${shape}; nothing to do`;
  const how = figures.realigned === 0 ? 'all aligned' : `${figures.realigned} of them aligned first`;
  const checked = figures.verified === 'none' ? 'not verified' : `verified (${figures.verified})`;
  return `merged ${figures.files} files (${how}) into ${output}: ${shape}, ${formatBytes(figures.bytesOut)}, ${checked}, in ${formatDuration(figures.wallMs)}`;
}
