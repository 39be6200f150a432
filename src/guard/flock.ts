import koffi from 'koffi';

/** flock(2), which Node does not offer. The lock belongs to the open file, and lives until its last descriptor, in any process, is closed. */
const flock = koffi.load(null).func('int flock(int fd, int operation)') as (fd: number, operation: number) => number;

const LOCK_EX = 2;
const LOCK_NB = 4;

/** Takes the exclusive lock without waiting; false where somebody else holds it. */
export function tryLock(descriptor: number): boolean {
  if (flock(descriptor, LOCK_EX | LOCK_NB) === 0) return true;
  const code = koffi.errno();
  if (code === koffi.os.errno['EWOULDBLOCK']) return false;
  const name = Object.entries(koffi.os.errno).find(([, value]) => value === code)?.[0] ?? `errno ${code}`;
  throw Object.assign(new Error(`flock: ${name}`), { code: name });
}
