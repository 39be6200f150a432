import { readdirSync, readFileSync } from 'node:fs';

/** Descriptors of this process that hold a flock: those that its guard gave it. */
export function heldLocks(): number[] {
  return readdirSync('/proc/self/fd').map(Number).filter(holdsLock);
}

function holdsLock(descriptor: number): boolean {
  try {
    return /^lock:.*\bFLOCK\b/m.test(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8'));
  } catch {
    return false; // That of the listing itself, closed by now.
  }
}
