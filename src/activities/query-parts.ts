import type { QueriedParts } from '../backends/bigquery.ts';
import { runCloudStep } from './cloud-step.ts';
import type { ActivityDependencies } from './dependencies.ts';
import type { CloudTask } from './pair-task.ts';
import { typed } from './typed-failure.ts';

export interface QuerySummary extends QueriedParts {
  warnings: string[];
}

/** Joins what is staged, in BigQuery; each query within the budget, and paid once. Throws BudgetExceeded. */
export const queryParts =
  (dependencies: ActivityDependencies) =>
  (task: CloudTask): Promise<QuerySummary> =>
    typed(async () => {
      const { result, warnings } = await runCloudStep('query', task, dependencies, (request, hooks) =>
        dependencies.bigquery.queryParts(request, hooks),
      );
      return { ...result, warnings };
    });
