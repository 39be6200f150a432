import { MergeError } from '../backends/backend.ts';
import type { LostAttempt } from '../backends/journal.ts';
import type { BackendName, FailureFacts, MergeFigures } from '../contract.ts';
import { workspacePath } from '../merge/workspace.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { reporting } from './heartbeat.ts';
import { mergeContext } from './merge-step.ts';
import type { MergeTask } from './pair-task.ts';
import { mergeJob, outputPath } from './pair-task.ts';
import { typed } from './typed-failure.ts';

/** Attempts of one backend that vanished with their worker or machine, after which another backend is tried. */
const LOST_ATTEMPTS = 3;

/**
 * Merges one pair by one backend. Each attempt is written to a journal on disk before it begins and after it has ended:
 * a merge that takes its worker or its machine with it leaves no other trace. Throws BackendLost after three of them.
 */
export const mergeFiles =
  (dependencies: ActivityDependencies) =>
  (task: MergeTask): Promise<MergeFigures> =>
    typed(async () => {
      const { backend, round } = task;
      const journal = dependencies.openJournal(workspacePath(outputPath(task)));
      const lost = await journal.lost(backend, round);
      if (lost.length >= LOST_ATTEMPTS) throw new MergeError(backendLost(backend, lost));

      const attempt = await journal.begin(backend, round);
      try {
        const figures = await reporting('merge', (heartbeat) => {
          const context = mergeContext(task, dependencies, heartbeat);
          const onMemory = (memoryBytes: number): void => {
            heartbeat.memory(memoryBytes);
            attempt.sample(memoryBytes);
          };
          const job = mergeJob(task, ['merge'], dependencies.totalMemoryBytes);
          return dependencies.backends[backend].merge(job, { ...context, onMemory });
        });
        await attempt.end('succeeded');
        return figures;
      } catch (error) {
        await attempt.end(error instanceof MergeError ? error.facts.type : 'stopped');
        throw error;
      }
    });

function backendLost(backend: BackendName, lost: readonly LostAttempt[]): FailureFacts {
  const sample = lost.at(-1)?.lastMemoryBytes ?? null;
  const seen = sample === null ? '' : `; the last one was seen with ${(sample / 2 ** 30).toFixed(2)} GiB`;
  return {
    type: 'BackendLost',
    message:
      `${lost.length} attempts by ${backend} vanished with their worker or machine: ` +
      `memory is suspected, not proven${seen}`,
    ...(sample !== null && { peakBytes: sample }),
  };
}
