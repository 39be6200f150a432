import type { ResultTables } from '../backends/bigquery.ts';
import { runCloudStep } from './cloud-step.ts';
import type { ActivityDependencies } from './dependencies.ts';
import type { CloudTask } from './pair-task.ts';
import { typed } from './typed-failure.ts';

/**
 * The tables of the same checkpoints that were left on BigQuery before; null where there are none. Throws OutputExists for
 * others that may not be replaced.
 */
export const findTables =
  (dependencies: ActivityDependencies) =>
  (task: CloudTask): Promise<ResultTables | null> =>
    typed(async () => {
      const { result } = await runCloudStep('find', task, dependencies, async (request, hooks) => ({
        found: await dependencies.bigquery.findResult({ ...request, replace: task.config.replace }, hooks),
      }));
      return result.found;
    });
