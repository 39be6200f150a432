import { cancellationSignal, log } from '@temporalio/activity';
import { MergeError } from '../backends/backend.ts';
import { PairPurse } from '../backends/bigquery-purse.ts';
import type { CloudHooks, CloudRequest } from '../backends/bigquery.ts';
import { workspacePath } from '../merge/workspace.ts';
import type { ActivityDependencies } from './dependencies.ts';
import type { Heartbeat } from './heartbeat.ts';
import { reporting } from './heartbeat.ts';
import { outputPath, type CloudTask } from './pair-task.ts';

/** How the SDK names the one reason of an abort that comes from the workflow: an operator's pivot, pause, skip or cancellation. */
const CANCELLED = 'CANCELLED';

export interface CloudStep {
  request: CloudRequest;
  hooks: CloudHooks & { purse: PairPurse };
}

/** What the service's side of a step is given. Throws ConfigInvalid where no project is configured. */
export function cloudStep(
  task: CloudTask,
  { books }: Pick<ActivityDependencies, 'books'>,
  heartbeat: Heartbeat,
): CloudStep {
  const request = cloudRequest(task);
  const { config, run, pair } = request;
  const signal = cancellationSignal();
  const purse = new PairPurse({
    ...{ books, project: config.project, run, pair, signal, runName: task.config.name },
    budgetNanos: Math.round(config.budgetDollars * 1e9),
    // Told at once, since a step that fails returns none.
    onWarning: (warning): void => {
      log.warn(`budget: ${warning}`);
    },
  });
  // All other reasons (the worker shuts down, its heartbeats did not arrive, the server knows the attempt no more) are of
  // this attempt alone: its jobs run on, since the next attempt is attached to them, or finds them instead of paying for others.
  const leavesJobs = (): boolean => signal.aborted && (signal.reason as Error).message !== CANCELLED;
  return { request, hooks: { purse, signal, leavesJobs, onProgress: (progress) => heartbeat.cloud(progress) } };
}

/** Throws ConfigInvalid where no project is configured: the default route ends at BigQuery, whether there is one or not. */
export function cloudRequest(task: CloudTask): CloudRequest {
  const { run, round, pair } = task;
  const { bigquery } = task.config;
  const project = bigquery?.project ?? null;
  if (bigquery === undefined || project === null)
    throw new MergeError({
      type: 'ConfigInvalid',
      message:
        'bigquery.project is not set: name the Google Cloud project that pays, or take bigquery out of `backends`',
    });
  return { workspace: workspacePath(outputPath(task)), run, pair, round, config: { ...bigquery, project } };
}

/** Runs one step of a pair on the service, reporting; with what the budget has warned of and what was settled. */
export async function runCloudStep<T extends object>(
  step: string,
  task: CloudTask,
  dependencies: ActivityDependencies,
  work: (request: CloudRequest, hooks: CloudHooks) => Promise<T>,
): Promise<{ result: T; warnings: string[]; settledNanos: number }> {
  return reporting(step, async (heartbeat) => {
    const { request, hooks } = cloudStep(task, dependencies, heartbeat);
    const result = await work(request, hooks);
    return { result, warnings: hooks.purse.warnings, settledNanos: hooks.purse.settledNanos };
  });
}
