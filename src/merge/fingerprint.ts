import { stat } from 'node:fs/promises';
import { MergeFailure } from './errors.ts';
import type { Fingerprint } from './plan.ts';

/** What tells the file at `path` from a changed one without reading it. Throws what stat() throws. */
export async function readFingerprint(path: string): Promise<Fingerprint> {
  // Bigints: nanoseconds and inode numbers do not fit JavaScript's numbers.
  const { size, mtimeNs, ino, dev } = await stat(path, { bigint: true });
  return { size: Number(size), mtimeNs: mtimeNs.toString(), ino: ino.toString(), dev: dev.toString() };
}

/** The device's number is left out: it may be another after a restart of the machine. */
export const sameFingerprint = (a: Fingerprint, b: Fingerprint): boolean =>
  a.size === b.size && a.mtimeNs === b.mtimeNs && a.ino === b.ino;

/** Throws MergeFailure InputChanged where the file is gone or is not the one that `expected` was taken of. */
export async function assertUnchanged(file: { name: string; path: string; fingerprint: Fingerprint }): Promise<void> {
  const now = await readFingerprint(file.path).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  });
  if (now === null)
    throw new MergeFailure('InputChanged', `${file.name}: was removed while it was merged`, { file: file.name });
  if (!sameFingerprint(now, file.fingerprint))
    throw new MergeFailure('InputChanged', `${file.name}: changed while it was merged; start the merge again`, {
      file: file.name,
    });
}
