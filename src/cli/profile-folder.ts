/**
 * The folder that a profile merges into: `widemerge-profile-<pid>-XXXXXX` in its place of work. A lock in it lives as long as the profile,
 * in whatever container or on whatever host that is; what one that was killed has left is removed by the next.
 */
import { mkdtemp, open, readdir, rm, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { tryLock } from '../guard/flock.ts';

const PREFIX = 'widemerge-profile-';
const LOCK = 'lock';

export interface ProfileFolder extends AsyncDisposable {
  path: string;
}

/** Makes one, after it has swept; it is removed when disposed of. Throws the system's errors. */
export async function openProfileFolder(workDir: string): Promise<ProfileFolder> {
  await sweep(workDir);
  const path = await mkdtemp(join(workDir, `${PREFIX}${process.pid}-`));
  const lock = await open(join(path, LOCK), 'wx');
  // A sweep that had it for a moment has taken the folder with it.
  if (!isLocked(lock) || (await stat(path).catch(() => null)) === null) {
    await lock.close();
    return openProfileFolder(workDir);
  }
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      await remove(path);
      await lock.close();
    },
  };
}

/** A file system that has no locks has no sweeps either. */
function isLocked({ fd }: FileHandle): boolean {
  try {
    return tryLock(fd);
  } catch {
    return true;
  }
}

/** Best effort: what cannot be removed does not stop a profile. Others' folders are left, whoever runs this. */
async function sweep(workDir: string): Promise<void> {
  const names = (await readdir(workDir)).filter((name) => name.startsWith(PREFIX));
  for (const name of names) await removeLeft(join(workDir, name)).catch(() => undefined);
}

async function removeLeft(path: string): Promise<void> {
  if ((await stat(path)).uid !== process.getuid?.()) return;
  // Without a lock file it is of one that has only just begun.
  const lock: FileHandle = await open(join(path, LOCK), 'r+');
  try {
    if (tryLock(lock.fd)) await remove(path);
  } finally {
    await lock.close();
  }
}

const remove = (path: string): Promise<void> => rm(path, { recursive: true, force: true, maxRetries: 5 });
