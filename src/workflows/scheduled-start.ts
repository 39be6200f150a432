import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { startChild } from '@temporalio/workflow';
import { runWorkflowId } from '../contract.ts';
import type { RunMemo, ScheduledStartInput, ScheduledStartResult } from './inputs.ts';
import type { mergePairs } from './merge-pairs.ts';

/**
 * What a schedule starts. A schedule appends a time to the workflow ids that it starts, so its own overlap policy does
 * not see a run that was started by hand; this workflow starts the run under its fixed id, and ends as skipped where one
 * is running. The run is an abandoned child: started exactly once, and alive when this workflow has ended.
 */
export async function scheduledStart(input: ScheduledStartInput): Promise<ScheduledStartResult> {
  const { config, configDigest } = input;
  const workflowId = runWorkflowId(config.name);
  const memo: RunMemo = { configDigest };
  try {
    await startChild<typeof mergePairs>('mergePairs', {
      workflowId,
      args: [{ config }],
      parentClosePolicy: 'ABANDON',
      cancellationType: 'ABANDON',
      memo: { ...memo },
      staticSummary: `${config.root} -> ${config.output}, started by a schedule`,
    });
    return { started: true, workflowId, reason: null };
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    return { started: false, workflowId, reason: `skipped: ${workflowId} is running already` };
  }
}
