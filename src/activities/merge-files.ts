import type { MergeFigures } from '../payloads.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { reporting } from './heartbeat.ts';
import { journaled } from './journaled.ts';
import { mergeContext } from './merge-step.ts';
import type { MergeTask } from './pair-task.ts';
import { mergeJob } from './pair-task.ts';
import { typed } from './typed-failure.ts';

/** Merges one pair by one backend. Throws BackendLost after attempts that vanished with their worker or machine. */
export const mergeFiles =
  (dependencies: ActivityDependencies) =>
  (task: MergeTask): Promise<MergeFigures> =>
    typed(() =>
      journaled(task, dependencies, (_, sample) =>
        reporting('merge', (heartbeat) => {
          const context = mergeContext(task, dependencies, heartbeat);
          const onMemory = (memoryBytes: number): void => {
            heartbeat.memory(memoryBytes);
            sample(memoryBytes);
          };
          const job = mergeJob(task, ['merge'], dependencies.totalMemoryBytes);
          return dependencies.backends[task.backend].merge(job, { ...context, onMemory });
        }),
      ),
    );
