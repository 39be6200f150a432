import { CancellationScope, isCancellation } from '@temporalio/workflow';
import type { LeaveSummary } from '../activities/leave-tables.ts';
import type { CloudTask } from '../activities/pair-task.ts';
import type { ResultTables } from '../backends/bigquery.ts';
import { formatDollars } from '../budget/money.ts';
import type { VerifyMode } from '../contract.ts';
import type { CloudBill, MergeFigures, RunConfig } from '../payloads.ts';
import type { Discovery } from '../merge/job.ts';
import { cloudActivities, endingActivities, localActivities } from './activity-proxies.ts';
import { failureOf } from './failure-of.ts';
import type { CloudSums, MergePairInput } from './inputs.ts';
import { runId } from './run-id.ts';
import { sizeText } from './size-text.ts';
import type { StepRunner } from './step-runner.ts';

/**
 * The merge of one pair by BigQuery, in place of a merge here: prepared on this machine, sent, joined there, read back and
 * stitched here. Each step is an activity, and idempotent: a pair that comes back finds what is there and paid.
 */
export async function mergeOnBigquery(
  input: MergePairInput,
  steps: StepRunner,
  found: Discovery,
): Promise<MergeFigures> {
  try {
    return await mergeStepByStep(input, steps, found);
  } catch (error) {
    // An attempt that is cancelled ends its jobs by itself; one that has vanished with its worker could not.
    if (isCancellation(error)) await leaveBigquery(input, steps);
    throw error;
  }
}

async function mergeStepByStep(input: MergePairInput, steps: StepRunner, found: Discovery): Promise<MergeFigures> {
  const { config, pair, tuning } = input;
  const { reporter } = steps;
  const task = cloudTask(input, steps.round);
  const local = localActivities(config, tuning?.heartbeatTimeoutMs);
  const cloud = cloudActivities(config, tuning?.heartbeatTimeoutMs);
  const summary = (text: string) => ({ summary: `${pair}: ${text}` });
  const warn = (warnings: string[]): void =>
    warnings.forEach((warning) => {
      reporter.tellStory(`budget: ${warning}`);
      steps.notifier.tell({ event: 'budgetWarning', pair, reason: warning });
    });
  const startedMs = Date.now();

  reporter.tell({ state: 'preparing' });
  const prepared = await local.prepareStaging.executeWithOptions(summary('the spine, and footers to send'), [task]);

  if (leavesTables(config)) {
    const left = await cloud.findTables.executeWithOptions(summary('look for tables of the same checkpoints'), [task]);
    if (left !== null && !leavesFile(config)) return { ...figuresOf(found, left, startedMs), alreadyMerged: true };
  }

  steps.staged = true;
  reporter.tell({ state: 'staging' });
  const what = `${prepared.checkpoints} checkpoints, ${sizeText(prepared.bytes)}`;
  const staged = await cloud.stageCheckpoints.executeWithOptions(summary(`send ${what}`), [task]);
  warn(staged.warnings);
  reporter.tellStory(`${staged.tables} tables staged, ${staged.sent} sent now (${sizeText(staged.bytesSent)})`);

  reporter.tell({ state: 'querying' });
  steps.jobsOpen = true;
  const queried = await cloud.queryParts.executeWithOptions(summary(`join ${prepared.columns} columns`), [task]);
  warn(queried.warnings);
  spendUpTo(steps, 'query', queried.nanos);
  reporter.tellStory(
    `${queried.parts} parts by ${queried.queries} paid queries: ${sizeText(queried.bytesBilled)} billed, ${formatDollars(queried.nanos)}`,
  );

  if (!leavesFile(config)) {
    // Still `querying`, since nothing is done on this machine: another pair may begin.
    const left = await leaveOnBigquery(input, steps, 'none');
    const scans = left.queried ?? queried;
    const bill: CloudBill = {
      queries: scans.queries + left.queries,
      bytesBilled: scans.bytesBilled + left.bytesBilled,
      bytesRead: 0,
      nanos: scans.nanos + left.nanos,
    };
    if (left.queried) spendUpTo(steps, 'query', left.queried.nanos);
    steps.jobsOpen = false;
    return { ...figuresOf(found, left, startedMs), bill };
  }

  reporter.tell({ state: 'fetching' });
  const fetched = await local.fetchParts.executeWithOptions(summary('read back, stitch'), [task]);
  warn(fetched.warnings);
  spendUpTo(steps, 'fetch', fetched.nanos);
  steps.jobsOpen = false;
  reporter.tellStory(`${sizeText(fetched.bytesRead)} read back, ${formatDollars(fetched.nanos)}`);
  const bill: CloudBill = {
    queries: queried.queries,
    bytesBilled: queried.bytesBilled,
    bytesRead: fetched.bytesRead,
    nanos: queried.nanos + fetched.nanos,
  };
  return { ...fetched.figures, wallMs: Date.now() - startedMs, bill };
}

/** A step tells what it has cost in this run so far, by passes before this one, too: only what is new is added. */
function spendUpTo(steps: StepRunner, step: keyof CloudSums, nanos: number): void {
  const before = steps.billed[step];
  steps.reporter.spend(nanos - before);
  steps.billed[step] = Math.max(before, nanos);
}

/** Where the pair goes on elsewhere, or nowhere: nothing of it runs on, and what it has cost is booked. */
export async function leaveBigquery(input: MergePairInput, steps: StepRunner): Promise<void> {
  if (!steps.jobsOpen) return;
  await CancellationScope.nonCancellable(() => endJobs(input, steps));
  steps.jobsOpen = false;
}

/** What cannot be ended or booked now stays in the budget as reserved: too much is counted, never too little. */
async function endJobs(input: MergePairInput, steps: StepRunner): Promise<void> {
  const { config, pair, tuning } = input;
  const options = { summary: `${pair}: end its jobs` };
  try {
    const { ended, nanos, queryNanos } = await endingActivities(config, tuning).endJobs.executeWithOptions(options, [
      cloudTask(input, steps.round),
    ]);
    spendUpTo(steps, 'query', steps.billed.query + queryNanos);
    spendUpTo(steps, 'fetch', steps.billed.fetch + nanos - queryNanos);
    if (ended > 0) steps.reporter.tellStory(`${ended} queries ended: ${formatDollars(nanos)}`);
  } catch (error) {
    steps.reporter.tellStory(`its jobs on BigQuery could not be ended: ${failureOf(error).message}`);
  }
}

/** Makes what was merged stay there, as tables and views; `verified` is of the file that was made of it, `none` without one. */
export async function leaveOnBigquery(
  input: MergePairInput,
  steps: StepRunner,
  verified: VerifyMode,
): Promise<LeaveSummary> {
  const { config, pair, tuning } = input;
  const options = { summary: `${pair}: leave tables and views on BigQuery` };
  const left = await cloudActivities(config, tuning?.heartbeatTimeoutMs).leaveTables.executeWithOptions(options, [
    { ...cloudTask(input, steps.round), verified },
  ]);
  left.warnings.forEach((warning) => steps.reporter.tellStory(`budget: ${warning}`));
  steps.reporter.spend(left.nanos);
  steps.reporter.tellStory(`left in ${left.tables} (${sizeText(left.bytes)})`);
  return left;
}

/** Of a pair that is tables and nothing else: they are not read back, so no value of them is verified. */
function figuresOf(found: Discovery, left: ResultTables, startedMs: number): MergeFigures {
  const { files, aligned, realigned, bytesIn } = found;
  const { rows, columns, bytes, tables } = left;
  return {
    ...{ files, rows, columns, aligned, realigned, bytesIn, bytesOut: bytes, bytesCloned: 0, bytesCopied: 0 },
    ...{ wallMs: Date.now() - startedMs, peakBytes: 0, verified: 'none', alreadyMerged: false, tables },
  };
}

/** Missing in runs that began before there was a choice. */
export const leavesTables = ({ bigquery }: RunConfig): boolean =>
  bigquery?.output === 'tables' || bigquery?.output === 'both';
export const leavesFile = ({ bigquery }: RunConfig): boolean => bigquery?.output !== 'tables';

/** Removes what a pair has left on BigQuery; it would expire in any case. Returns what keeping it has cost, nano-dollars. */
export async function tidyBigquery(input: MergePairInput, steps: StepRunner): Promise<number> {
  const { config, pair, tuning } = input;
  const options = { summary: `${pair}: remove what was staged` };
  const { nanos } = await steps.step('cleaning', () =>
    cloudActivities(config, tuning?.heartbeatTimeoutMs).tidyStaging.executeWithOptions(options, [
      cloudTask(input, steps.round),
    ]),
  );
  steps.staged = false;
  return nanos;
}

function cloudTask({ config, pair, run, epoch }: MergePairInput, round: number): CloudTask {
  return { config, pair, run: run ?? runId(config.name, epoch), round, journalRound: epoch * 1000 + round };
}
