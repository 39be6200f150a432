import type { RunConfig } from '../payloads.ts';
import { pairFolders } from './pair-folders.ts';
import { typed } from './typed-failure.ts';

/** The folders of `root` whose names match the pattern of `pairs`, sorted. Throws ConfigInvalid where `root` cannot be read. */
export const listPairs =
  () =>
  (task: { config: RunConfig }): Promise<string[]> =>
    typed(() => pairFolders(task.config));
