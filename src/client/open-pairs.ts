import type { Client } from '@temporalio/client';
import { runWorkflowId, WORKFLOW_TYPES } from '../contract.ts';

export interface RunPair {
  run: string;
  pair: string;
}

/** Pairs that have ever begun in runs that are open, and open pairs; the server's list lags by a second or so. */
export async function pairsOfOpenRuns(client: Client): Promise<RunPair[]> {
  const isOpen = `ExecutionStatus = 'Running'`;
  const ids = new Set<string>();
  const add = async (query: string): Promise<void> => {
    for await (const { workflowId } of client.workflow.list({ query })) ids.add(workflowId);
  };
  await add(`WorkflowType = '${WORKFLOW_TYPES.mergePair}' AND ${isOpen}`);
  for await (const { workflowId } of client.workflow.list({
    query: `WorkflowType = '${WORKFLOW_TYPES.mergePairs}' AND ${isOpen}`,
  }))
    await add(
      `WorkflowType = '${WORKFLOW_TYPES.mergePair}' AND ParentWorkflowId = '${workflowId.replaceAll("'", "''")}'`,
    );
  const prefix = runWorkflowId('');
  return [...ids]
    .filter((id) => id.startsWith(prefix))
    .map((id) => {
      const [run = '', pair = ''] = id.slice(prefix.length).split('/');
      return { run, pair };
    });
}
