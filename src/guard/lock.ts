import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';

import { tryLock } from './flock.ts';
import { identifyLock, type LockIdentity } from './lock-lines.ts';

/** Somebody else holds the lock. */
export class LockBusyError extends Error {
  readonly lockFile: string;
  /** What the holder wrote into the file: `pid 123 (node process.ts) since 2026-01-01T00:00:00.000Z`. */
  readonly holder: string;
  constructor(lockFile: string, holder: string) {
    super(`${lockFile} is held by ${holder}`);
    this.name = 'LockBusyError';
    this.lockFile = lockFile;
    this.holder = holder;
  }
}

/** The lock file cannot be opened or is no plain file; `code` is the system's, e.g. EACCES, ENOSPC. */
export class LockUnusableError extends Error {
  readonly lockFile: string;
  readonly code: string;
  constructor(lockFile: string, code: string, options?: ErrorOptions) {
    super(`lock file ${lockFile} cannot be used: ${code}`, options);
    this.name = 'LockUnusableError';
    this.lockFile = lockFile;
    this.code = code;
  }
}

/** Locks held by this process until they are closed; a child that inherits the descriptors keeps them for itself. */
export interface HeldLocks {
  descriptors: number[];
  identities: LockIdentity[];
  /** Writes who holds them into the files, for the error of the next one who asks. */
  sign(pid: number, command: string): void;
  /** Closes this process's copies. */
  close(): void;
}

/**
 * Takes all locks, in this order, or none. Creates missing files, and a missing folder of a file where its parent exists.
 * Throws LockBusyError or LockUnusableError.
 */
export function takeLocks(lockFiles: string[]): HeldLocks {
  const descriptors: number[] = [];
  const close = (): void => {
    for (const descriptor of descriptors.splice(0)) closeSync(descriptor);
  };
  let identities: LockIdentity[];
  try {
    for (const lockFile of lockFiles) descriptors.push(takeLock(lockFile));
    identities = descriptors.map(identifyLock);
  } catch (error) {
    close();
    throw error;
  }
  return {
    descriptors,
    identities,
    sign: (pid, command) => descriptors.forEach((descriptor) => writeHolder(descriptor, pid, command)),
    close,
  };
}

/** Inode numbers of some file systems need more than the 53 bits of a number. */
const BIG = { bigint: true } as const;

/** Files and folders come and go while a merge ends beside this one; a path that is still missing after this many tries is missing. */
const TRIES = 10;

function takeLock(lockFile: string): number {
  for (let tries = 1; ; tries++) {
    let descriptor: number | undefined;
    try {
      descriptor = openLockFile(lockFile);
      const file = fstatSync(descriptor, BIG);
      if (!file.isFile()) throw Object.assign(new Error('not a plain file'), { code: 'it is not a plain file' });
      if (!tryLock(descriptor)) throw new LockBusyError(lockFile, readHolder(lockFile));
      // Removed since it was opened (a cleaner of /tmp, a finished merge): the next one would lock another file.
      if (statSync(lockFile, { ...BIG, throwIfNoEntry: false })?.ino === file.ino) return descriptor;
      closeSync(descriptor);
    } catch (error) {
      if (descriptor !== undefined) closeSync(descriptor);
      if (error instanceof LockBusyError) throw error;
      if (codeOf(error) === 'ENOENT' && tries < TRIES) continue;
      throw new LockUnusableError(lockFile, codeOf(error), { cause: error });
    }
  }
}

function openLockFile(lockFile: string): number {
  // Never through a symbolic link: the file may lie in a folder that everybody can write. Never waiting for a named pipe.
  const flags = constants.O_NOFOLLOW | constants.O_NONBLOCK;
  try {
    return openExisting(lockFile, flags);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
  // Not created by the first open: fs.protected_regular refuses O_CREAT on another user's file in a sticky folder.
  makeFolder(dirname(lockFile));
  try {
    const descriptor = openSync(lockFile, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | flags, 0o666);
    fchmodSync(descriptor, 0o666); // Past the umask: every user of the machine shares the one lock.
    return descriptor;
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    return openExisting(lockFile, flags);
  }
}

function openExisting(lockFile: string, flags: number): number {
  try {
    return openSync(lockFile, constants.O_RDWR | flags);
  } catch (error) {
    if (codeOf(error) !== 'EACCES') throw error;
    return openSync(lockFile, constants.O_RDONLY | flags); // Enough for the lock; only the holder's name is missing.
  }
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
}

/** A courtesy for the next one's error message: a full disk or a file that is not ours to write must not stop the merge. */
function writeHolder(descriptor: number, pid: number, command: string): void {
  try {
    ftruncateSync(descriptor);
    writeSync(descriptor, `pid ${pid} (${command}) since ${new Date().toISOString()}\n`, 0);
  } catch {
    return;
  }
}

function readHolder(lockFile: string): string {
  try {
    return readFileSync(lockFile, 'utf8').slice(0, 500).trim() || 'a process that has not signed it';
  } catch {
    return 'an unknown process';
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : String(error);
}
