import type { FetchedParts } from '../backends/bigquery-fetch.ts';
import { cloudRequest, cloudStep } from './cloud-step.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { reporting } from './heartbeat.ts';
import { journaled } from './journaled.ts';
import { mergeContext } from './merge-step.ts';
import { mergeJob, type CloudTask } from './pair-task.ts';
import { typed } from './typed-failure.ts';

export interface FetchSummary extends FetchedParts {
  warnings: string[];
}

/**
 * Reads back what BigQuery has merged, into the draft of the output: bytesRead and nanos are those of the run's attempts
 * together. A memory failure here narrows what is read at a time; it leads to no other backend.
 */
export const fetchParts =
  (dependencies: ActivityDependencies) =>
  (task: CloudTask): Promise<FetchSummary> =>
    typed(() => {
      cloudRequest(task);
      const mergeTask = { ...task, backend: 'bigquery' as const, round: task.journalRound };
      // Attempts that vanished with their machine are taken for memory failures: the next one is narrower.
      return journaled(mergeTask, dependencies, (lost, sample) =>
        reporting('fetch', async (heartbeat) => {
          const { request, hooks } = cloudStep(task, dependencies, heartbeat);
          const context = mergeContext(task, dependencies, heartbeat);
          const onMemory = (memoryBytes: number): void => {
            heartbeat.memory(memoryBytes);
            sample(memoryBytes);
          };
          const job = mergeJob(mergeTask, ['merge'], dependencies.totalMemoryBytes);
          const guarded = { ...context, onMemory };
          const fetched = await dependencies.bigquery.fetchParts(request, hooks, job, guarded, lost);
          return { ...fetched, warnings: hooks.purse.warnings };
        }),
      );
    });
