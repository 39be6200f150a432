import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import type { PairProgress, RunProgress, RunResult } from '../contract.ts';
import { MESSAGES, runWorkflowId, WORKFLOW_TYPES } from '../contract.ts';
import { isRunning, pristine } from '../workflows/pair-entry.ts';
import type { LiveActivity } from './live-activities.ts';
import { liveActivities } from './live-activities.ts';
import type { DescribedRun } from './describe-run.ts';
import { readInput, readMemo } from './describe-run.ts';

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
  const progress = answer ?? (await progressOnServer(client, name, run));
  const running = run.open ? progress.pairs.filter(({ state }) => isRunning(state)) : [];
  const live = (await Promise.all(running.map(({ pair }) => liveActivities(client, name, pair)))).flat();
  return {
    progress,
    source: answer ? 'workflow' : 'server',
    workflowStatus,
    remark: answer ? null : 'no worker answers: this is what the server knows; start one with `widemerge worker`',
    live,
  };
}

/** What the run says of itself; null where no worker answers in time. */
export async function queryProgress(client: Client, name: string): Promise<RunProgress | null> {
  try {
    return await client.withDeadline(Date.now() + QUERY_LIMIT_MS, () =>
      client.workflow.getHandle(runWorkflowId(name)).query<RunProgress>(MESSAGES.progress),
    );
  } catch {
    // No worker in time, or a run whose history is gone: the server's own word has to do.
    return null;
  }
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
  return { name, state, startedAt, eta: null, pairs: [...pairs.values()], notes: [] };
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
