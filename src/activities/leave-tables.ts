import type { LeftResult } from '../backends/bigquery.ts';
import type { VerifyMode } from '../contract.ts';
import { runCloudStep } from './cloud-step.ts';
import type { ActivityDependencies } from './dependencies.ts';
import type { CloudTask } from './pair-task.ts';
import { typed } from './typed-failure.ts';

export interface LeaveTask extends CloudTask {
  /** How the file was verified that was made of the same tables; `none` where there is none. */
  verified: VerifyMode;
}

export interface LeaveSummary extends LeftResult {
  warnings: string[];
}

/** Leaves what BigQuery has merged there, to stay: tables, a view over each, and a manifest. Throws OutputExists, BudgetExceeded. */
export const leaveTables =
  (dependencies: ActivityDependencies) =>
  (task: LeaveTask): Promise<LeaveSummary> =>
    typed(async () => {
      const { result, warnings } = await runCloudStep('leave', task, dependencies, (request, hooks) =>
        dependencies.bigquery.leaveResult({ ...request, replace: task.config.replace }, task.verified, hooks),
      );
      return { ...result, warnings };
    });
