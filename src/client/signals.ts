import type { Client } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/client';
import type { PairRequest, PauseRequest, PivotRequest } from '../payloads.ts';
import { MESSAGES, runWorkflowId, TASK_QUEUES } from '../contract.ts';
import type { RunMemo } from '../workflows/inputs.ts';
import type { mergePairs } from '../workflows/merge-pairs.ts';
import { RunError } from './errors.ts';
import { configDigest } from './digest.ts';
import type { DescribedRun } from './describe-run.ts';
import { readInput, readMemo } from './describe-run.ts';
import { noSuchPair } from './run-pairs.ts';
import type { StartRunOptions } from './start-run.ts';
import { runSummary } from './start-run.ts';

/** Each throws RunError `notRunning` where no run of that name is open. What is refused stands in the run's notes: `deliver` reads them. */

export const signalPause = (client: Client, name: string, request: PauseRequest = {}): Promise<void> =>
  signal(client, name, MESSAGES.pause, request);

export const signalResume = (client: Client, name: string): Promise<void> => signal(client, name, MESSAGES.resume, {});

export const signalApprove = (client: Client, name: string): Promise<void> =>
  signal(client, name, MESSAGES.approve, {});

export const signalPivot = (client: Client, name: string, request: PivotRequest): Promise<void> =>
  signal(client, name, MESSAGES.pivotBackend, request);

export const signalSkip = (client: Client, name: string, request: PairRequest): Promise<void> =>
  signal(client, name, MESSAGES.skipPair, request);

/** Stops the run and its merge; what is on disk stays, and a new run goes on from it. */
export async function cancelRun(client: Client, name: string): Promise<void> {
  await open(name, (workflowId) => client.workflow.getHandle(workflowId).cancel());
}

/**
 * Tries a pair again that was set aside or skipped: by a signal while the run is open, else by a run of its own under
 * the same id, restricted to that pair, with the configuration of the run that has closed.
 */
export async function signalRetry(
  client: Client,
  name: string,
  request: PairRequest,
  options: StartRunOptions = {},
): Promise<{ restarted: boolean }> {
  const described = await readMemo(client, name);
  const { pair } = request;
  const { config, only } = await readInput(client, name);
  if (described.open) {
    if (only?.some((own) => own.pair === pair) === false) {
      const theirs = only.map((own) => own.pair);
      throw noSuchPair(name, pair, theirs, true);
    }
    await signal(client, name, MESSAGES.retryPair, request);
    return { restarted: false };
  }
  if (Array.isArray(config.pairs) && !config.pairs.includes(pair)) {
    throw noSuchPair(name, pair, config.pairs);
  }
  const memo: RunMemo = { configDigest: described.configDigest ?? configDigest(config) };
  const input = {
    config,
    only: [{ pair, round: roundOf(described, pair) }],
    ...(options.tuning && { tuning: options.tuning }),
  };
  // Atomic: where somebody else has started the run meanwhile, it gets the signal, and is not restricted.
  await client.workflow.signalWithStart<typeof mergePairs, [PairRequest]>('mergePairs', {
    workflowId: runWorkflowId(name),
    taskQueue: TASK_QUEUES.pipeline + (options.taskQueueSuffix ?? ''),
    args: [input],
    signal: MESSAGES.retryPair,
    signalArgs: [request],
    memo: { ...memo },
    staticSummary: `retry of ${pair}: ${runSummary(config)}`,
  });
  return { restarted: true };
}

function roundOf({ summary }: DescribedRun, pair: string): number {
  return summary?.rounds[pair] ?? 0;
}

async function signal(client: Client, name: string, message: string, request: unknown): Promise<void> {
  await open(name, (workflowId) => client.workflow.getHandle(workflowId).signal(message, request));
}

async function open(name: string, act: (workflowId: string) => Promise<unknown>): Promise<void> {
  try {
    await act(runWorkflowId(name));
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
    throw new RunError('notRunning', `no run ${name} is open on this server`, { cause: error });
  }
}
