/** A workflow of one step on BigQuery, and the budget that it spends: for what concerns the workers alone. */
import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../../../src/activities/index.ts';
import type { CloudTask } from '../../../src/activities/pair-task.ts';

export { budget } from '../../../src/workflows/budget.ts';

export async function stageOnce(task: CloudTask, suffix: string): Promise<void> {
  const options = { startToCloseTimeout: '1m', heartbeatTimeout: '20s', retry: { maximumAttempts: 1 } } as const;
  await proxyActivities<Activities>({ ...options, taskQueue: `widemerge-bigquery${suffix}` }).stageCheckpoints(task);
}
