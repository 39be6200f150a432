import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/client';
import { runWorkflowId } from '../contract.ts';
import type { RunMemo, RunSummary } from '../workflows/inputs.ts';
import { RunError } from './errors.ts';

export interface DescribedRun extends Partial<RunMemo> {
  only: string[] | null;
  runId: string;
  open: boolean;
  /** What the run last said of itself, where it has said anything. */
  summary: RunSummary | null;
  description: WorkflowExecutionDescription;
}

/** What the server itself knows of a run, without a worker. Throws RunError `notFound`. */
export async function readMemo(client: Client, name: string): Promise<DescribedRun> {
  const description = await client.workflow
    .getHandle(runWorkflowId(name))
    .describe()
    .catch((error: unknown) => {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
      throw new RunError('notFound', `there is no run ${name} on this server`, { cause: error });
    });
  const memo = (description.memo ?? {}) as Partial<RunMemo> & { summary?: RunSummary };
  return {
    ...(memo.config && { config: memo.config }),
    ...(memo.configDigest !== undefined && { configDigest: memo.configDigest }),
    only: memo.only ?? null,
    summary: memo.summary ?? null,
    runId: description.runId,
    open: description.status.name === 'RUNNING' || description.status.name === 'PAUSED',
    description,
  };
}
