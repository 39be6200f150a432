import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { QueryNotRegisteredError, WorkflowNotFoundError } from '@temporalio/client';
import type { PairProgress, RunProgress, RunResult } from '../payloads.ts';
import { MESSAGES, runWorkflowId, WORKFLOW_TYPES } from '../contract.ts';
import { isRunning, pristine } from '../workflows/pair-entry.ts';
import { oneLine } from '../workflows/route.ts';
import type { LiveActivity } from './live-activities.ts';
import { liveActivities } from './live-activities.ts';
import type { DescribedRun } from './describe-run.ts';
import { readInput, readMemo } from './describe-run.ts';
import { isSilence, serverStatusOf } from './server-status.ts';

export interface RunStatus {
  progress: RunProgress;
  /** Where the progress is from: the workflow itself, or what the server keeps of it (then without figures). */
  source: 'workflow' | 'server';
  /** The server's word on the run, e.g. RUNNING, COMPLETED, CANCELLED. */
  workflowStatus: string;
  /** One line for the operator where there is something to say of the source, or null. */
  remark: string | null;
  live: LiveActivity[];
}

/** A query without a worker fails after 29 s only; an operator should not wait that long. */
const QUERY_LIMIT_MS = 3_000;

/** How a run is doing, with or without a worker. Throws RunError `notFound`. */
export async function readStatus(client: Client, name: string): Promise<RunStatus> {
  const run = await readMemo(client, name);
  const workflowStatus = run.description.status.name;
  const answer = await queryProgress(client, name);
  const progress = answer.progress ?? (await progressOnServer(client, name, run));
  const running = run.open ? progress.pairs.filter(({ state }) => isRunning(state)) : [];
  const live = (await Promise.all(running.map(({ pair }) => liveActivities(client, name, pair)))).flat();
  return {
    progress,
    source: answer.progress ? 'workflow' : 'server',
    workflowStatus,
    remark: answer.progress ? null : `${answer.why}: this is what the server knows; ${answer.advice}`,
    live,
  };
}

/** Why a run does not say how it is doing, and what to do: both without a full stop. */
export interface Unanswered {
  why: string;
  advice: string;
}

/**
 * What the run says of itself. It has no answer where no worker answers in time, the history is gone, or the workflow
 * itself fails: the server's own word has to do then. What the server refuses, and a bug, are thrown.
 */
export async function queryProgress(
  client: Client,
  name: string,
): Promise<{ progress: RunProgress } | ({ progress: null } & Unanswered)> {
  try {
    const query = (): Promise<RunProgress> => client.workflow.getHandle(runWorkflowId(name)).query(MESSAGES.progress);
    return { progress: await client.withDeadline(Date.now() + QUERY_LIMIT_MS, query) };
  } catch (error) {
    const unanswered = whyUnanswered(error);
    if (unanswered === null) throw error;
    return { progress: null, ...unanswered };
  }
}

function whyUnanswered(error: unknown): Unanswered | null {
  if (error instanceof WorkflowNotFoundError)
    return { why: 'the history of the run is gone', advice: 'to start the run anew goes on from what is on disk' };
  // The SDK's name for whatever the workflow, or its replay, answers a query with instead of a result.
  if (error instanceof QueryNotRegisteredError) return workflowFails(error.message);
  const status = serverStatusOf(error);
  if (status === null) return null;
  if (isSilence(status) || status.details.startsWith(NO_POLLER))
    return { why: 'no worker answers', advice: 'start one with `widemerge worker`' };
  return status.name === 'FAILED_PRECONDITION' ? workflowFails(status.details) : null;
}

/** A FAILED_PRECONDITION like that of a workflow task that fails time and again. */
const NO_POLLER = 'no poller seen for task queue';

function workflowFails(details: string): Unanswered {
  return {
    why: `the workflow of the run cannot answer (${oneLine(details, 300)})`,
    advice: "the worker's log and the UI show why",
  };
}

/** From the memo, the children's search attributes and memos, and the result where there is one. */
async function progressOnServer(client: Client, name: string, run: DescribedRun): Promise<RunProgress> {
  const { summary } = run;
  const { config, only } = await readInput(client, name);
  const names = only?.map(({ pair }) => pair) ?? (Array.isArray(config.pairs) ? config.pairs : []);
  const pairs = new Map<string, PairProgress>(names.map((pair) => [pair, pristine(pair)]));
  const startedAt = summary?.startedAt ?? run.description.startTime.toISOString();

  for (const child of await listChildren(client, name, startedAt)) {
    pairs.set(child.pair, { ...pristine(child.pair), ...child });
  }
  if (run.description.status.name === 'COMPLETED') {
    const result = (await client.workflow.getHandle(runWorkflowId(name)).result()) as RunResult;
    for (const { pair, failure, reason } of result.setAside) {
      pairs.set(pair, { ...(pairs.get(pair) ?? pristine(pair)), state: 'setAside', failure, reason });
    }
    for (const pair of result.merged) pairs.set(pair, { ...(pairs.get(pair) ?? pristine(pair)), state: 'merged' });
    for (const pair of result.skipped) pairs.set(pair, { ...(pairs.get(pair) ?? pristine(pair)), state: 'skipped' });
  }
  const state = run.open ? (summary?.state ?? 'running') : 'done';
  const canary = run.open ? summary?.canary : undefined;
  return { name, state, startedAt, eta: null, pairs: [...pairs.values()], notes: [], ...(canary && { canary }) };
}

/** The newest workflow of each pair since the run has started. */
async function listChildren(client: Client, name: string, startedAt: string): Promise<PairProgress[]> {
  const parent = runWorkflowId(name);
  const query =
    `WorkflowType = '${WORKFLOW_TYPES.mergePair}' AND ParentWorkflowId = '${parent.replaceAll("'", "''")}'` +
    ` AND StartTime >= '${startedAt}'`;
  const newest = new Map<string, WorkflowExecutionInfo>();
  for await (const child of client.workflow.list({ query })) {
    const known = newest.get(child.workflowId);
    if (!known || known.startTime < child.startTime) newest.set(child.workflowId, child);
  }
  return Promise.all(
    [...newest.values()].map(async (child) => {
      // The visibility store lags behind by seconds; of what is still going on the server itself knows better.
      const open = child.status.name === 'RUNNING';
      const { memo } = open ? await client.workflow.getHandle(child.workflowId).describe() : child;
      const said = (memo?.progress ?? {}) as Partial<PairProgress>;
      const pair = child.workflowId.slice(parent.length + 1);
      return { ...pristine(pair), state: 'discovering' as const, ...said };
    }),
  );
}
