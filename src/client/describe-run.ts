import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { runWorkflowId } from '../contract.ts';
import type { MergePairsInput, RunMemo, RunSummary } from '../workflows/inputs.ts';
import { RunError } from './errors.ts';

export interface DescribedRun {
  /** Of the configuration; null where the run was not started by this project's clients. */
  configDigest: string | null;
  runId: string;
  open: boolean;
  /** What the run last said of itself, where it has said anything. */
  summary: RunSummary | null;
  description: WorkflowExecutionDescription;
}

/** What the server itself knows of a run, without a worker. Throws RunError `notFound`. */
export async function readMemo(client: Client, name: string): Promise<DescribedRun> {
  const description = await found(name, client.workflow.getHandle(runWorkflowId(name)).describe());
  const memo = (description.memo ?? {}) as Partial<RunMemo> & { summary?: RunSummary };
  return {
    configDigest: memo.configDigest ?? null,
    summary: memo.summary ?? null,
    runId: description.runId,
    open: description.status.name === 'RUNNING' || description.status.name === 'PAUSED',
    description,
  };
}

/** What the newest run of this name was started with: the first event of its history. Throws RunError `notFound`. */
export async function readInput(client: Client, name: string): Promise<MergePairsInput> {
  const history = client.workflowService.getWorkflowExecutionHistory({
    namespace: client.options.namespace,
    execution: { workflowId: runWorkflowId(name) },
    maximumPageSize: 1,
  });
  const [first] = (await found(name, history)).history?.events ?? [];
  const [payload] = first?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
  if (!payload) throw new RunError('notFound', `the server keeps no input of run ${name}`);
  return defaultPayloadConverter.fromPayload<MergePairsInput>(payload);
}

async function found<T>(name: string, answer: Promise<T>): Promise<T> {
  return answer.catch((error: unknown) => {
    const notFound = error instanceof WorkflowNotFoundError || (error as { code?: unknown }).code === GRPC_NOT_FOUND;
    if (!notFound) throw error;
    throw new RunError('notFound', `there is no run ${name} on this server`, { cause: error });
  });
}

const GRPC_NOT_FOUND = 5;
