import { statSync } from 'node:fs';
import { MergeFailure } from './errors.ts';
import type { Fingerprint } from './plan.ts';

/**
 * What tells the file at `path` from a changed one without reading it. In this thread: of hundreds of files it takes a tenth of the time that
 * asking another one does. Throws what stat() throws.
 */
export function readFingerprint(path: string): Fingerprint {
  // Bigints: nanoseconds and inode numbers do not fit JavaScript's numbers.
  const { size, mtimeNs, ino, dev } = statSync(path, { bigint: true });
  return { size: Number(size), mtimeNs: mtimeNs.toString(), ino: ino.toString(), dev: dev.toString() };
}

/** The device's number is left out: it may be another after a restart of the machine. */
export const sameFingerprint = (a: Fingerprint, b: Fingerprint): boolean =>
  a.size === b.size && a.mtimeNs === b.mtimeNs && a.ino === b.ino;

/** Throws MergeFailure InputChanged where the file is gone or is not the one that `expected` was taken of. */
export function assertUnchanged(file: { name: string; path: string; fingerprint: Fingerprint }): void {
  const now = fingerprintOrNull(file.path);
  if (now === null)
    throw new MergeFailure('InputChanged', `${file.name}: was removed while it was merged`, { file: file.name });
  if (!sameFingerprint(now, file.fingerprint))
    throw new MergeFailure('InputChanged', `${file.name}: changed while it was merged; start the merge again`, {
      file: file.name,
    });
}

function fingerprintOrNull(path: string): Fingerprint | null {
  try {
    return readFingerprint(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
