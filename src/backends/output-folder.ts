import { access, constants, stat } from 'node:fs/promises';

import { MergeError } from './backend.ts';

/**
 * The output's folder must be there and writable. It is not made: a folder that is missing is more often a disk that is
 * not mounted than one that is wanted. Throws OutputUnwritable.
 */
export async function checkOutputFolder(folder: string): Promise<void> {
  const info = await stat(folder).catch(() => null);
  if (info === null) throw outputUnwritable(folder, 'is not there: make it, or mount its disk');
  if (!info.isDirectory()) throw outputUnwritable(folder, 'is not a folder');
  await access(folder, constants.W_OK | constants.X_OK).catch((cause: unknown) => {
    throw outputUnwritable(folder, 'cannot be written by this user', cause);
  });
}

export function outputUnwritable(folder: string, why: string, cause?: unknown): MergeError {
  const message = `the output's folder ${folder} ${why}`;
  return new MergeError({ type: 'OutputUnwritable', message, file: folder }, { cause });
}
