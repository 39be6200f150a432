import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import {
  WithStartWorkflowOperation,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import type { LedgerView, RaiseAnswer, RaiseRequest } from '../budget/messages.ts';
import { BUDGET_MESSAGES, budgetWorkflowId, TASK_QUEUES, WORKFLOW_TYPES } from '../contract.ts';
import type { budget } from '../workflows/budget.ts';
import { RunError } from './errors.ts';
import { isSilence, serverStatusOf } from './server-status.ts';

/** Without a worker there is no answer for half a minute; an operator should not wait that long. */
const ANSWER_LIMIT_MS = 5_000;
const NOT_BEGUN = /not scheduled yet/;
const NOT_BEGUN_MS = 100;
const ASKS = 20;

/** The books of a project. Throws RunError `notFound` before its first reservation or raise, and `noWorker`. */
export async function readLedger(client: Client, project: string): Promise<LedgerView> {
  try {
    return await withinLimit(client, 'the books are kept by a workflow', () =>
      onceBegun(() => client.workflow.getHandle(budgetWorkflowId(project)).query<LedgerView>(BUDGET_MESSAGES.ledger)),
    );
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
    const message = `project ${project} has no budget on this server yet: it begins with the first job that is sent to BigQuery, or with --raise`;
    throw new RunError('notFound', message, { cause: error });
  }
}

/** Projects that have a budget on this server, by name; the server's list lags by a second or so. */
export async function listBudgets(client: Client): Promise<string[]> {
  const prefix = budgetWorkflowId('');
  const projects: string[] = [];
  const query = `WorkflowType = '${WORKFLOW_TYPES.budget}' AND ExecutionStatus = 'Running'`;
  for await (const { workflowId } of client.workflow.list({ query }))
    if (workflowId.startsWith(prefix)) projects.push(workflowId.slice(prefix.length));
  return projects.toSorted();
}

/** Sets a budget; a project that has none gets one. Throws RunError `refused` and `noWorker`. */
export async function raiseBudget(
  client: Client,
  project: string,
  request: RaiseRequest,
  options: { taskQueueSuffix?: string } = {},
): Promise<RaiseAnswer> {
  const startWorkflowOperation = budgetStart(project, options.taskQueueSuffix ?? '');
  try {
    return await withinLimit(client, 'the message waits for one, and an amount may be set twice', () =>
      client.workflow.executeUpdateWithStart<typeof budget, RaiseAnswer, [RaiseRequest]>(BUDGET_MESSAGES.raise, {
        args: [request],
        startWorkflowOperation,
      }),
    );
  } catch (error) {
    if (!(error instanceof WorkflowUpdateFailedError)) throw error;
    throw new RunError('refused', `the budget of ${project} stays as it is: ${error.cause?.message ?? error.message}`, {
      cause: error,
    });
  }
}

/** Whoever speaks to a project's budget first starts its workflow. Good for one message. */
export function budgetStart(project: string, taskQueueSuffix: string): WithStartWorkflowOperation<typeof budget> {
  return new WithStartWorkflowOperation<typeof budget>('budget', {
    workflowId: budgetWorkflowId(project),
    taskQueue: TASK_QUEUES.pipeline + taskQueueSuffix,
    args: [{ project }],
    workflowIdConflictPolicy: 'USE_EXISTING',
    staticSummary: `the budget of Google Cloud project ${project}`,
  });
}

/** Throws RunError `noWorker`, with the remark, where nobody answers in time. */
export /** Between a continue-as-new and the first task of what comes after it the server answers no query, for some milliseconds. */
async function onceBegun<T>(query: () => Promise<T>): Promise<T> {
  for (let asks = 1; ; asks++)
    try {
      return await query();
    } catch (error) {
      const status = serverStatusOf(error);
      const isNotBegun = status?.name === 'FAILED_PRECONDITION' && NOT_BEGUN.test(status.details);
      if (!isNotBegun || asks === ASKS) throw error;
      await delay(NOT_BEGUN_MS);
    }
}

export async function withinLimit<T>(client: Client, remark: string, call: () => Promise<T>): Promise<T> {
  const startMs = performance.now();
  try {
    return await client.withDeadline(Date.now() + ANSWER_LIMIT_MS, call);
  } catch (error) {
    const status = serverStatusOf(error);
    const isTimeout =
      error instanceof WorkflowUpdateRPCTimeoutOrCancelledError || (status !== null && isSilence(status));
    // A deadline that passes shows as one of several statuses; a server that has gone shows sooner.
    if (!isTimeout || performance.now() - startMs < ANSWER_LIMIT_MS * 0.9) throw error;
    throw new RunError(
      'noWorker',
      `no worker answers (${remark}): start one with \`widemerge worker\`, then try again`,
      { cause: error },
    );
  }
}
