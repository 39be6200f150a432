import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { pairFolders } from '../activities/pair-folders.ts';
import { guardLimits, mergeJob } from '../activities/pair-task.ts';
import { MergeError } from '../backends/backend.ts';
import { readCurves } from '../backends/measured-curves.ts';
import { sumCosts } from '../bigquery/estimate.ts';
import { defaultBigquery, loadConfig } from '../config/load.ts';
import { machineMemoryBytes } from '../config/machine-memory.ts';
import { DEFAULT_CHAIN, DEFAULT_TIMEOUT_MS } from '../config/rules.ts';
import type { GuardLimits } from '../guard/command.ts';
import { limitsFor } from '../library/limits.ts';
import type { MergeJob } from '../merge/job.ts';
import { CommandError, EXIT, UsageError } from './exit.ts';
import { interruptible } from './interrupt.ts';
import type { PlanSettings } from './plan-engines.ts';
import { planLines } from './plan-view.ts';
import { planPair, type PairPlan } from './pair-plan.ts';
import { machineOf, survey, surveyJob, SURVEY_TIMES } from './survey-folder.ts';
import { openDisplay } from './terminal.ts';

export interface PlanOptions {
  key?: string[];
  pattern?: string;
  json: boolean;
}

interface Surveys {
  jobs: { pair: string; job: MergeJob }[];
  /** Of the processes that read the footers. */
  limits: GuardLimits;
  settings: Omit<PlanSettings, 'curves'>;
}

/** `widemerge plan DIR|CONFIG`: what merging would take, from the footers alone; a pair that cannot be merged says why. */
export async function plan(target: string, options: PlanOptions): Promise<void> {
  const info = await stat(target).catch((cause: unknown) => {
    throw new UsageError(`${target} cannot be read: give a folder of Parquet files, or a configuration`, { cause });
  });
  const surveys = info.isDirectory() ? folderSurvey(target, options) : await configSurveys(target, options);
  const { curves, remark } = await readCurves();
  const settings: PlanSettings = { ...surveys.settings, curves };
  using interrupt = interruptible();
  const display = openDisplay(process.stderr);
  if (remark !== null) display.line(remark);
  const plans: PairPlan[] = [];
  try {
    for (const { pair, job } of surveys.jobs) {
      display.draw([`reading footers: ${pair} (${plans.length + 1} of ${surveys.jobs.length})`]);
      plans.push(await planOf(pair, job, surveys.limits, settings, interrupt.signal));
    }
  } finally {
    display.end(false);
  }
  const only = plans[0];
  if (info.isDirectory() && only?.failure) throw new CommandError(only.failure);
  const estimates = plans.flatMap(({ estimate }) => (estimate === null ? [] : [estimate]));
  const { bigquery, chain, machine, timeoutMs } = settings;
  const total = estimates.length === 0 ? null : sumCosts(estimates, bigquery);
  for (const line of planLines(plans, total, settings)) console.log(line);
  if (options.json) console.log(JSON.stringify({ pairs: plans, total, bigquery, chain, machine, timeoutMs }));
  if (plans.some(({ failure }) => failure !== null)) process.exitCode = EXIT.failed;
}

async function planOf(
  pair: string,
  job: MergeJob,
  limits: GuardLimits,
  settings: PlanSettings,
  signal: AbortSignal,
): Promise<PairPlan> {
  try {
    return planPair(pair, await survey(job, limits, signal), settings);
  } catch (error) {
    if (!(error instanceof MergeError)) throw error;
    const { type, message } = error.facts;
    const none = { survey: null, refusal: null, estimate: null, engines: [], choice: null };
    return { pair, failure: { type, message }, ...none };
  }
}

function folderSurvey(dir: string, { key, pattern }: PlanOptions): Surveys {
  const limits = { ...limitsFor({}), ...SURVEY_TIMES };
  const { memoryBytes } = limits;
  return {
    jobs: [{ pair: basename(resolve(dir)), job: surveyJob({ dir, key, pattern, memoryBytes }) }],
    limits,
    settings: {
      chain: DEFAULT_CHAIN,
      machine: machineOf(memoryBytes),
      timeoutMs: DEFAULT_TIMEOUT_MS,
      verify: 'bytes',
      bigquery: defaultBigquery(),
      wantsProject: false,
    },
  };
}

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
  const limits = guardLimits(config, totalBytes);
  return {
    jobs: pairs.map((pair) => ({
      pair,
      // Whether the pair is merged already is asked of its manifest alone.
      job: { ...mergeJob({ config, pair }, ['survey'], totalBytes), recheckPublished: false },
    })),
    limits: { ...limits, ...SURVEY_TIMES },
    settings: {
      chain: config.backends,
      machine: machineOf(Math.min(limits.memoryBytes, limits.killAboveBytes)),
      timeoutMs: limits.timeoutMs,
      verify: config.verify,
      bigquery: config.bigquery ?? defaultBigquery(),
      wantsProject: true,
    },
  };
}
