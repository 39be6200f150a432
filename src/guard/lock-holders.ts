import { readdirSync, readFileSync, statSync } from 'node:fs';

/** Names an open lock file beyond its path. */
export interface LockIdentity {
  device: bigint;
  inode: bigint;
}

/**
 * Whether the process holds one of the locks through a descriptor of its own. Merely having the file open, as another guard does that
 * tries to take the lock, does not count: fdinfo shows a lock only at the open file that it belongs to.
 */
export function holdsLock(pid: number, locks: LockIdentity[]): boolean {
  let descriptors: string[];
  try {
    descriptors = readdirSync(`/proc/${pid}/fd`);
  } catch {
    return false; // Gone, or another user's.
  }
  return descriptors.some((descriptor) => {
    try {
      const file = statSync(`/proc/${pid}/fd/${descriptor}`, { bigint: true });
      if (!file.isFile() || !locks.some((lock) => lock.inode === file.ino && lock.device === file.dev)) return false;
      return /^lock:.*\bFLOCK\b/m.test(readFileSync(`/proc/${pid}/fdinfo/${descriptor}`, 'utf8'));
    } catch {
      return false; // Closed meanwhile.
    }
  });
}
