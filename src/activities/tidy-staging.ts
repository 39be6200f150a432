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

/** Ends what still runs of the pair on BigQuery, and removes its tables. Where that fails, they expire. */
export const tidyStaging =
  (dependencies: ActivityDependencies) =>
  (task: CloudTask): Promise<TidySummary> =>
    typed(async () => {
      const { bigquery } = dependencies;
      const { result, warnings, settledNanos } = await runCloudStep(
        'tidy',
        task,
        dependencies,
        async (request, hooks) => {
          // A query that lost a race for its table, or that nobody has booked yet.
          await bigquery.endJobs(request, hooks);
          return bigquery.tidyTables(request, hooks);
        },
      );
      return { removed: result.removed, nanos: settledNanos, warnings };
    });
