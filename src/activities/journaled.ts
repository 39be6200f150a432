import { MergeError } from '../backends/backend.ts';
import type { LostAttempt } from '../backends/journal.ts';
import type { BackendName } from '../contract.ts';
import type { FailureFacts } from '../payloads.ts';
import { workspacePath } from '../merge/workspace.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { outputPath, type MergeTask } from './pair-task.ts';

/** Attempts of one backend that vanished with their worker or machine, after which another backend is tried. */
const LOST_ATTEMPTS = 3;

/**
 * Runs an attempt that may take its worker or its machine with it. It is written to a journal on disk before it begins and
 * after it has ended: such a merge leaves no other trace. `attempt` gets how many were lost before it, and what notes its
 * memory. Throws BackendLost after three of them.
 */
export async function journaled<T>(
  task: MergeTask,
  dependencies: ActivityDependencies,
  attempt: (lost: number, sample: (memoryBytes: number) => void) => Promise<T>,
): Promise<T> {
  const { backend, round } = task;
  const journal = dependencies.openJournal(workspacePath(outputPath(task)));
  const lost = await journal.lost(backend, round);
  if (lost.length >= LOST_ATTEMPTS) throw new MergeError(backendLost(backend, lost));

  const entry = await journal.begin(backend, round);
  try {
    const result = await attempt(lost.length, (memoryBytes) => entry.sample(memoryBytes));
    await entry.end('succeeded');
    return result;
  } catch (error) {
    await entry.end(error instanceof MergeError ? error.facts.type : 'stopped');
    throw error;
  }
}

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
