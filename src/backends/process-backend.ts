import type { BackendName } from '../contract.ts';
import type { MergeJob } from '../merge/job.ts';
import { MergeError, type Backend } from './backend.ts';
import { runMergeProcess } from './merge-process.ts';

/** A backend that merges in a guarded child process on this machine, with one of the engines of src/merge. */
export function processBackend(name: BackendName, engine: MergeJob['engine'], entry?: string): Backend {
  return {
    name,
    merge: async (job, context) => {
      const { figures, discovery } = await runMergeProcess({ ...job, engine }, context, entry);
      const merged = figures ?? discovery?.alreadyMerged;
      if (merged) return merged;
      throw new MergeError({ type: 'CommandFailed', message: 'the merge process ended well but without figures' });
    },
  };
}
