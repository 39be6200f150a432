import { readCommandLines, shortName } from './command-lines.ts';
import { identifyLockFile, locksOf, type LockIdentity } from './lock-lines.ts';
import { listPids, readStat } from './proc.ts';

/** A process of a merge whose guard is gone. */
export interface Leftover {
  pid: number;
  /** Its program and script, without their folders; the program's alone where the process is stuck. */
  name: string;
}

/**
 * The processes that hold the lock although no guard does. The kernel names the process that took a lock, which is the guard; its merge
 * has inherited it. Only processes that this user may look into are seen: another user's merge is told by its lock alone.
 * Empty where the file is missing.
 */
export async function findLeftovers(lockFile: string): Promise<Leftover[]> {
  const lock = identifyLockFile(lockFile);
  if (lock === null) return [];
  const holders: number[] = [];
  for (const pid of listPids()) {
    const taker = takerOf(pid, lock);
    if (taker === null) continue;
    // Of a pid that was given to somebody else since, it is not the guard's: that one does not hold the lock.
    if (taker === pid || takerOf(taker, lock) === taker) return [];
    holders.push(pid);
  }
  const commandLines = await readCommandLines(holders);
  return holders.map((pid) => ({ pid, name: shortName(commandLines.get(pid)) ?? readStat(pid)?.name ?? '' }));
}

/**
 * Who took the lock that a process holds: 0 for a process that is gone, as a container sees it. Null where the process does not hold
 * it (to have the file open, as one does who tries to take the lock, is not to hold it), has gone, or is another user's.
 */
function takerOf(pid: number, lock: LockIdentity): number | null {
  return locksOf(pid).find(({ file }) => file === lock)?.taker ?? null;
}
