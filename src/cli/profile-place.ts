/** Where a profile may write: asked before the first merge, since the last may be half an hour away. */
import { open, rm, stat, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { formatBytes } from '../config/units.ts';
import { CommandError, UsageError } from './exit.ts';

/** Of statfs(2): file systems that are memory, where a merged file would take what the merge is to have. */
const IN_MEMORY: readonly number[] = [0x01021994, 0x858458f6];
/** For larger files that may be there for longer (hier(7)), where the temporary folder is memory. */
const LARGER = '/var/tmp';

export interface WorkDir {
  path: string;
  /** What there is to be said of it, one line; else null. */
  remark: string | null;
}

/**
 * The folder that was named, whatever it is on; else the first of the `usual` that is on a disk. Throws UsageError where there is none.
 */
export async function chooseWorkDir(named: string | undefined, usual = [tmpdir(), LARGER]): Promise<WorkDir> {
  if (named !== undefined) {
    const path = resolve(named);
    if (!(await isFolder(path)))
      throw new UsageError(`--work-dir ${path} is no folder; name one with room for a merged file`);
    const remark = `--work-dir ${path} is in memory (tmpfs): a merged file takes memory that the merges are measured beside`;
    return { path, remark: (await isInMemory(path)) ? remark : null };
  }
  for (const path of usual) if ((await isFolder(path)) && !(await isInMemory(path))) return { path, remark: null };
  throw new UsageError(
    `${usual.join(' and ')} are missing or in memory (tmpfs), where a merged file would take what the merge is to have: give --work-dir, a folder on a disk`,
  );
}

/** Throws CommandError DiskFull where the folder's disk has less room than the largest merge is expected to take. */
export async function checkRoom(path: string, neededBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(path);
  const freeBytes = bavail * bsize;
  if (freeBytes >= neededBytes) return;
  throw new CommandError({
    type: 'DiskFull',
    message: `${path} has ${formatBytes(freeBytes)} free, where the largest merge takes ${formatBytes(neededBytes)}: give another --work-dir, or a lower end with --columns`,
    file: path,
  });
}

/** Throws UsageError where a file cannot be written there; leaves what is there as it is. */
export async function checkWritable(option: string, path: string): Promise<void> {
  const refuse = (error: unknown): never => {
    const { code } = error as NodeJS.ErrnoException;
    throw new UsageError(`${option} ${path} cannot be written (${code ?? String(error)}); name another file`, {
      cause: error,
    });
  };
  try {
    await (await open(path, 'wx')).close();
    await rm(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') refuse(error);
    await open(path, 'r+').then((file) => file.close(), refuse);
  }
}

const isFolder = async (path: string): Promise<boolean> => (await stat(path).catch(() => null))?.isDirectory() === true;

// The number is signed on some machines.
const isInMemory = async (path: string): Promise<boolean> => IN_MEMORY.includes((await statfs(path)).type >>> 0);
