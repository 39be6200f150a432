import { runCloudStep } from './cloud-step.ts';
import type { ActivityDependencies } from './dependencies.ts';
import type { CloudTask } from './pair-task.ts';
import { typed } from './typed-failure.ts';

export interface EndSummary {
  /** Queries that nobody had ended. */
  ended: number;
  /** What was settled by this call, nano-dollars. */
  nanos: number;
  /** Of that, by queries; the rest by reading. */
  queryNanos: number;
  warnings: string[];
}

/** Cancels and books what an attempt that vanished has left running on BigQuery. */
export const endJobs =
  (dependencies: ActivityDependencies) =>
  (task: CloudTask): Promise<EndSummary> =>
    typed(async () => {
      const { result, warnings, settledNanos } = await runCloudStep('end', task, dependencies, (request, hooks) =>
        dependencies.bigquery.endJobs(request, hooks),
      );
      return { ended: result.ended, nanos: settledNanos, queryNanos: result.nanos, warnings };
    });
