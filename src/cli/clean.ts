import { access, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { pairFolders } from '../activities/pair-folders.ts';
import { guardLimits, mergeJob, outputPath } from '../activities/pair-task.ts';
import { MergeError } from '../backends/backend.ts';
import { runMergeProcess } from '../backends/merge-process.ts';
import { readInput } from '../client/describe-run.ts';
import { machineLockPath } from '../config/environment.ts';
import { loadConfig } from '../config/load.ts';
import { machineMemoryBytes } from '../config/machine-memory.ts';
import { DEFAULT_STALL_MS, DEFAULT_TIMEOUT_MS } from '../config/rules.ts';
import { formatBytes } from '../config/units.ts';
import type { CleanMode } from '../contract.ts';
import type { FailureFacts, RunConfig } from '../payloads.ts';
import type { GuardLimits } from '../guard/command.ts';
import { limitsFor } from '../library/limits.ts';
import type { CleanReceipt, MergeJob } from '../merge/job.ts';
import { readManifest } from '../merge/manifest.ts';
import { manifestPath } from '../merge/workspace.ts';
import { connect } from './connect.ts';
import { EXIT, UsageError } from './exit.ts';
import { interruptible } from './interrupt.ts';

export interface CleanOptions {
  pair?: string;
  dryRun: boolean;
  mode?: Exclude<CleanMode, 'keep'>;
  json: boolean;
}

interface Work {
  pair: string;
  job: MergeJob;
  limits: GuardLimits;
}

type Cleaned = { pair: string; receipt: CleanReceipt } | { pair: string; failure: FailureFacts };

const TIMES = { timeoutMs: DEFAULT_TIMEOUT_MS, stallMs: DEFAULT_STALL_MS };

/**
 * `widemerge clean NAME|CONFIG|DIR`: the step of a run, outside of one: the output is read again first, and only unchanged checkpoints
 * of a verified manifest go. A folder is one of merged files, whose manifests say where their checkpoints are.
 */
export async function clean(target: string, options: CleanOptions): Promise<void> {
  const { dryRun } = options;
  const isFolder = await stat(target).then(
    (info) => info.isDirectory(),
    () => false,
  );
  const works = isFolder ? await worksOfFolder(resolve(target), options) : await worksOfRun(target, options);
  if (works.length === 0)
    throw new UsageError(
      `${target}: nothing is merged there${options.pair === undefined ? '' : ` as ${options.pair}`}: nothing to clean`,
    );
  using interrupt = interruptible();
  const cleaned: Cleaned[] = [];
  for (const { pair, job, limits } of works) {
    const one = await cleanOne(pair, job, limits, interrupt.signal);
    cleaned.push(one);
    for (const line of linesOf(one, dryRun)) console.log(line);
  }
  if (options.json) console.log(JSON.stringify({ dryRun, pairs: cleaned }));
  if (cleaned.some((one) => 'failure' in one)) process.exitCode = EXIT.failed;
}

async function cleanOne(pair: string, job: MergeJob, limits: GuardLimits, signal: AbortSignal): Promise<Cleaned> {
  try {
    const { receipt } = await runMergeProcess(job, { limits, machineLock: machineLockPath, signal });
    if (receipt === undefined) throw new Error('the merge process ended without its receipt');
    return { pair, receipt };
  } catch (error) {
    if (!(error instanceof MergeError)) throw error;
    return { pair, failure: error.facts };
  }
}

function linesOf(cleaned: Cleaned, dryRun: boolean): string[] {
  const { pair } = cleaned;
  if ('failure' in cleaned) return [`${pair}: ${cleaned.failure.type}: ${cleaned.failure.message}`];
  const { mode, files, bytes, keptFiles, kept, restore } = cleaned.receipt;
  const what = `${files} checkpoints, ${formatBytes(bytes)}`;
  const verb = mode === 'trash' ? 'moved to the trash' : 'deleted';
  const more = keptFiles - kept.length;
  return [
    files === 0 ? `${pair}: nothing to remove` : `${pair}: ${what} ${dryRun ? `would be ${verb}` : verb}`,
    ...kept.map(({ file, reason }) => `  kept ${file}: ${reason}`),
    ...(more > 0 ? [`  and ${more} more`] : []),
    ...(restore === null ? [] : [`  bring them back with: ${restore}`]),
  ];
}

async function worksOfRun(target: string, options: CleanOptions): Promise<Work[]> {
  const config = await configOf(target);
  const mode = modeOf(options, config.clean);
  const totalBytes = machineMemoryBytes();
  const pairs = options.pair === undefined ? await pairFolders(config).catch(usage) : [options.pair];
  const works: Work[] = [];
  for (const pair of pairs) {
    const task = { config, pair };
    if (!(await exists(manifestPath(outputPath(task))))) continue;
    const job = { ...mergeJob(task, ['clean'], totalBytes), clean: mode, cleanAlone: { dryRun: options.dryRun } };
    works.push({ pair, job, limits: { ...guardLimits(config, totalBytes), ...TIMES } });
  }
  return works;
}

async function configOf(target: string): Promise<RunConfig> {
  if (/\.ya?ml$/.test(target)) return loadConfig(target);
  await using temporal = await connect();
  return (await readInput(temporal.client, target)).config;
}

async function worksOfFolder(dir: string, options: CleanOptions): Promise<Work[]> {
  const limits = limitsFor({});
  const mode = modeOf(options, 'keep');
  const works: Work[] = [];
  for (const name of (await readdir(dir)).toSorted()) {
    const output = /^(.+)\.manifest\.json$/.exec(name)?.[1];
    if (output === undefined) continue;
    const pair = output.replace(/\.parquet$/, '');
    if (options.pair !== undefined && options.pair !== pair) continue;
    const path = join(dir, output);
    const manifest = await readManifest(manifestPath(path));
    const [folder, ...others] = new Set(manifest?.sources.map((source) => dirname(source.path)));
    if (manifest === null || folder === undefined || others.length > 0) continue;
    const job: MergeJob = {
      steps: ['clean'],
      source: { dir: folder, root: null, pattern: '*', expected: null },
      output: { path, replace: false },
      ...{ key: manifest.key, rows: manifest.rows, reference: manifest.reference, engine: manifest.engine },
      ...(manifest.rowGroupRows !== null && { rowGroupRows: manifest.rowGroupRows }),
      ...{ verify: 'bytes', clean: mode, cleanAlone: { dryRun: options.dryRun } },
      memoryBytes: limits.memoryBytes,
    };
    works.push({ pair: basename(pair), job, limits });
  }
  return works;
}

function modeOf({ mode, dryRun }: CleanOptions, configured: CleanMode): CleanMode {
  if (mode !== undefined) return mode;
  if (configured !== 'keep') return configured;
  if (dryRun) return 'delete';
  throw new UsageError(
    'what is to become of the checkpoints? say --mode trash or --mode delete, or look first with --dry-run',
  );
}

function usage(error: unknown): never {
  throw error instanceof MergeError ? new UsageError(error.message, { cause: error }) : error;
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
