import type { StagedTables } from '../backends/bigquery.ts';
import { runCloudStep } from './cloud-step.ts';
import type { ActivityDependencies } from './dependencies.ts';
import type { CloudTask } from './pair-task.ts';
import { typed } from './typed-failure.ts';

export interface StageSummary extends StagedTables {
  warnings: string[];
}

/** Sends the checkpoints and the spine to BigQuery, each as a table; what is there already is not sent again. */
export const stageCheckpoints =
  (dependencies: ActivityDependencies) =>
  (task: CloudTask): Promise<StageSummary> =>
    typed(async () => {
      const { result, warnings } = await runCloudStep('stage', task, dependencies, (request, hooks) =>
        dependencies.bigquery.stageTables(request, hooks),
      );
      return { ...result, warnings };
    });
