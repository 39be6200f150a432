/**
 * Locks as /proc tells of them without touching a file: fdinfo(5) has a line for each lock at the open file that it belongs to,
 * `lock: 1: FLOCK  ADVISORY  WRITE 4711 fe:00:9997586 0 EOF`, with the process that took it, and device and inode of the file. A stat of
 * another process's descriptor would wait for whatever it leads to: a network mount that is away, for ever.
 */
import { closeSync, constants, openSync, readdirSync, readFileSync, statSync } from 'node:fs';

/** `<major>:<minor>:<inode>` as in such a line: of the file system itself, where st_dev of btrfs and overlays is another. */
export type LockIdentity = string;

export interface LockLine {
  file: LockIdentity;
  /** The process that took it, as this pid namespace sees it; 0 where that is gone, or is not seen from here. */
  taker: number;
}

/** The flocks of one descriptor. */
export function parseLockLines(fdinfo: string): LockLine[] {
  return [...fdinfo.matchAll(/^lock:.*\bFLOCK\s+\w+\s+\w+\s+(-?\d+)\s+(\w+:\w+:\d+)\s/gm)].map(
    ([, taker, file = '']) => ({
      file,
      taker: Number(taker),
    }),
  );
}

/** The flocks that a process holds through descriptors of its own; none where it has gone or is another user's. */
export function locksOf(pid: number): LockLine[] {
  const folder = `/proc/${pid}/fdinfo`;
  let descriptors: string[];
  try {
    descriptors = readdirSync(folder);
  } catch {
    return [];
  }
  return descriptors.flatMap((descriptor) => {
    try {
      return parseLockLines(readFileSync(`${folder}/${descriptor}`, 'utf8'));
    } catch {
      return []; // Closed meanwhile.
    }
  });
}

/** What the lock of an open file of this process is called, whether it is held or not. Throws the system's error. */
export function identifyLock(descriptor: number): LockIdentity {
  const fdinfo = readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8');
  const [held] = parseLockLines(fdinfo);
  if (held !== undefined) return held.file;
  const file = statSync(`/proc/self/fd/${descriptor}`, { bigint: true });
  const field = (name: string): string | undefined => new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(fdinfo)?.[1];
  // Since Linux 5.14; on an overlay it may be another than stat's.
  const inode = field('ino') ?? String(file.ino);
  return `${deviceOfMount(field('mnt_id')) ?? deviceOf(file.dev)}:${inode}`;
}

/** The same for the file at a path; null where there is none that could be a lock. Throws the system's error. */
export function identifyLockFile(path: string): LockIdentity | null {
  let descriptor: number;
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO'].includes(code ?? '')) return null;
    if (code !== 'EACCES') throw error;
    // A file that others only may open: right wherever st_dev is the file system's own.
    const { dev, ino } = statSync(path, { bigint: true });
    return `${deviceOf(dev)}:${ino}`;
  }
  try {
    return identifyLock(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** From mountinfo(5), whose device is the file system's. */
function deviceOfMount(id: string | undefined): string | null {
  const line = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .find((each) => id !== undefined && each.startsWith(`${id} `));
  const [major, minor] = line?.split(' ')[2]?.split(':') ?? [];
  return major === undefined || minor === undefined ? null : `${hex(BigInt(major))}:${hex(BigInt(minor))}`;
}

/** Linux packs both numbers into one: makedev(3). */
function deviceOf(packed: bigint): string {
  const major = ((packed >> 8n) & 0xfffn) | ((packed >> 32n) & 0xfffff000n);
  const minor = (packed & 0xffn) | ((packed >> 12n) & 0xffffff00n);
  return `${hex(major)}:${hex(minor)}`;
}

const hex = (number: bigint): string => number.toString(16).padStart(2, '0');
