import { stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { pairFolders } from '../activities/pair-folders.ts';
import { guardLimits, mergeJob } from '../activities/pair-task.ts';
import { MergeError } from '../backends/backend.ts';
import { runMergeProcess } from '../backends/merge-process.ts';
import { sumCosts } from '../bigquery/estimate.ts';
import { machineLockPath } from '../config/environment.ts';
import { defaultBigquery, defaultMemoryBytes, loadConfig, machineMemoryBytes } from '../config/load.ts';
import type { BigqueryConfig } from '../contract.ts';
import type { GuardLimits } from '../guard/command.ts';
import type { MergeJob } from '../merge/job.ts';
import { CommandError, EXIT, UsageError } from './exit.ts';
import { interruptible } from './interrupt.ts';
import { planLines } from './plan-view.ts';
import { planPair, type PairPlan } from './pair-plan.ts';
import { openDisplay } from './terminal.ts';

export interface PlanOptions {
  key?: string;
  pattern?: string;
  json: boolean;
}

/** Reading footers is a matter of seconds; a file system that hangs ends it. */
const TIMEOUT_MS = 10 * 60_000;
const GRACE_MS = 5_000;

interface Survey {
  pair: string;
  job: MergeJob;
}

interface Surveys {
  surveys: Survey[];
  limits: GuardLimits;
  bigquery: BigqueryConfig;
}

/** `widemerge plan DIR|CONFIG`: what merging would take, from the footers alone; a pair that cannot be merged says why. */
export async function plan(target: string, options: PlanOptions): Promise<void> {
  const info = await stat(target).catch((cause: unknown) => {
    throw new UsageError(`${target} cannot be read: give a folder of Parquet files, or a configuration`, { cause });
  });
  const { surveys, limits, bigquery } = info.isDirectory()
    ? folderSurvey(target, options)
    : await configSurveys(target, options);
  using interrupt = interruptible();
  const display = openDisplay(process.stderr);
  const plans: PairPlan[] = [];
  try {
    for (const { pair, job } of surveys) {
      display.draw([`reading footers: ${pair} (${plans.length + 1} of ${surveys.length})`]);
      plans.push(await planOf(pair, job, limits, bigquery, interrupt.signal));
    }
  } finally {
    display.end(false);
  }
  const only = plans[0];
  if (info.isDirectory() && only?.failure) throw new CommandError(only.failure);
  const estimates = plans.flatMap(({ estimate }) => (estimate === null ? [] : [estimate]));
  const total = estimates.length === 0 ? null : sumCosts(estimates, bigquery);
  for (const line of planLines(plans, total, bigquery)) console.log(line);
  if (options.json) console.log(JSON.stringify({ pairs: plans, total, bigquery }));
  if (plans.some(({ failure }) => failure !== null)) process.exitCode = EXIT.failed;
}

async function planOf(
  pair: string,
  job: MergeJob,
  limits: GuardLimits,
  bigquery: BigqueryConfig,
  signal: AbortSignal,
): Promise<PairPlan> {
  try {
    const { survey } = await runMergeProcess(job, { limits, machineLock: machineLockPath, signal });
    if (survey === undefined) throw new Error('the merge process ended without its survey');
    return planPair(pair, survey, bigquery);
  } catch (error) {
    if (!(error instanceof MergeError)) throw error;
    const { type, message } = error.facts;
    return { pair, survey: null, failure: { type, message }, refusal: null, estimate: null };
  }
}

function folderSurvey(dir: string, { key, pattern }: PlanOptions): Surveys {
  const memoryBytes = defaultMemoryBytes(machineMemoryBytes());
  const job: MergeJob = {
    steps: ['survey'],
    source: { dir: resolve(dir), root: null, pattern: pattern ?? '*.parquet', expected: null },
    // Nothing is written: a name that no file of the folder has.
    output: { path: join(resolve(dir), '.widemerge-plan'), replace: false },
    key: key ?? 'interval_time',
    rows: 'union',
    reference: null,
    engine: 'stitch',
    verify: 'none',
    memoryBytes,
  };
  const limits = { memoryBytes, killAboveBytes: Math.round(memoryBytes * 1.25), ...TIMES };
  return { surveys: [{ pair: basename(resolve(dir)), job }], limits, bigquery: defaultBigquery() };
}

const TIMES = { timeoutMs: TIMEOUT_MS, stallMs: TIMEOUT_MS, graceMs: GRACE_MS };

async function configSurveys(path: string, { key, pattern }: PlanOptions): Promise<Surveys> {
  if (key !== undefined || pattern !== undefined)
    throw new UsageError('--key and --pattern are for a folder; a configuration has its own');
  const config = await loadConfig(path);
  const pairs = await pairFolders(config).catch((error: unknown) => {
    throw error instanceof MergeError ? new UsageError(error.message, { cause: error }) : error;
  });
  if (pairs.length === 0)
    throw new UsageError(`${path}: no folder of ${config.root} matches pairs: ${String(config.pairs)}`);
  const totalBytes = machineMemoryBytes();
  return {
    surveys: pairs.map((pair) => ({
      pair,
      // Whether the pair is merged already is asked of its manifest alone.
      job: { ...mergeJob({ config, pair }, ['survey'], totalBytes), recheckPublished: false },
    })),
    limits: { ...guardLimits(config, totalBytes), ...TIMES },
    bigquery: config.bigquery ?? defaultBigquery(),
  };
}
