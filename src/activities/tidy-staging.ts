import { runCloudStep } from './cloud-step.ts';
import type { ActivityDependencies } from './dependencies.ts';
import type { CloudTask } from './pair-task.ts';
import { typed } from './typed-failure.ts';

export interface TidySummary {
  /** Tables. */
  removed: number;
  /** What keeping them has cost, as far as it was settled by this call; nano-dollars. */
  nanos: number;
  warnings: string[];
}

/** Removes the pair's tables from BigQuery. Where that fails, they expire. */
export const tidyStaging =
  (dependencies: ActivityDependencies) =>
  (task: CloudTask): Promise<TidySummary> =>
    typed(async () => {
      const { result, warnings, settledNanos } = await runCloudStep('tidy', task, dependencies, (request, hooks) =>
        dependencies.bigquery.tidyTables(request, hooks),
      );
      return { removed: result.removed, nanos: settledNanos, warnings };
    });
