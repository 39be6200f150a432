import type { Client, WorkflowHandle } from '@temporalio/client';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import type { RunConfig } from '../payloads.ts';
import { runWorkflowId, TASK_QUEUES } from '../contract.ts';
import type { RunMemo, Tuning } from '../workflows/inputs.ts';
import type { mergePairs } from '../workflows/merge-pairs.ts';
import { configDigest } from './digest.ts';
import { RunError } from './errors.ts';
import { readInput, readMemo } from './describe-run.ts';

export interface StartRunOptions {
  /** Appended to the names of the task queues, for tests. */
  taskQueueSuffix?: string;
  tuning?: Tuning;
}

export interface StartedRun {
  workflowId: string;
  runId: string;
  /** True where the run was there already, with the same configuration. */
  attached: boolean;
  /** Pairs to which the running one is restricted (by a retry), or null. */
  only: string[] | null;
  handle: WorkflowHandle<typeof mergePairs>;
}

/**
 * Starts the run of this name, or attaches to it. Throws RunError `otherConfiguration` where one with another
 * configuration is running.
 */
export async function startRun(client: Client, config: RunConfig, options: StartRunOptions = {}): Promise<StartedRun> {
  const workflowId = runWorkflowId(config.name);
  const digest = configDigest(config);
  const memo: RunMemo = { configDigest: digest };
  try {
    const handle = await client.workflow.start<typeof mergePairs>('mergePairs', {
      workflowId,
      taskQueue: TASK_QUEUES.pipeline + (options.taskQueueSuffix ?? ''),
      args: [{ config, ...(options.tuning && { tuning: options.tuning }) }],
      memo: { ...memo },
      workflowIdConflictPolicy: 'FAIL',
      staticSummary: runSummary(config),
    });
    return { workflowId, runId: handle.firstExecutionRunId, attached: false, only: null, handle };
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    const running = await readMemo(client, config.name);
    if (running.configDigest !== digest) {
      throw new RunError(
        'otherConfiguration',
        `run ${config.name} is on with another configuration: wait until it has ended, or cancel it first`,
        { cause: error },
      );
    }
    const handle = client.workflow.getHandle<typeof mergePairs>(workflowId);
    const { only } = await readInput(client, config.name);
    return { workflowId, runId: running.runId, attached: true, only: only?.map(({ pair }) => pair) ?? null, handle };
  }
}

export function runSummary({ pairs, root, output, backends }: RunConfig): string {
  const what = typeof pairs === 'string' ? pairs : pairs.length === 1 ? pairs[0] : `${pairs.length} pairs`;
  return `${what} of ${root} -> ${output} (${backends.join(', then ')})`;
}
