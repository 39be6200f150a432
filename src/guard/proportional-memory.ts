import { readProportionalMemory } from './proc.ts';

/**
 * How long a walk through page tables may keep the watcher from its next sample: long, since on a busy machine it is slow, and
 * since its answer keeps a tree alive that only seems to be too large.
 */
const PATIENCE_MS = 1000;

/** The walk that is still waiting for a process's memory lock. Never a second one: each would hold a thread of Node's pool. */
let pending: Promise<unknown> | null = null;

/** Memory of these processes with each shared page counted once (bytes), or null where that could not be told in time. */
export async function proportionalBytes(each: { pid: number; memoryBytes: number }[]): Promise<number | null> {
  if (pending !== null) return null;
  const walk = sumProportional(each);
  pending = walk;
  void walk.finally(() => (pending = null));
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(resolve, PATIENCE_MS, null);
  });
  return Promise.race([walk, late]).finally(() => clearTimeout(timer));
}

async function sumProportional(each: { pid: number; memoryBytes: number }[]): Promise<number> {
  const until = performance.now() + PATIENCE_MS;
  let total = 0;
  for (const { pid, memoryBytes } of each) {
    // Past the patience nobody listens any more; without an answer the process's own figure is the upper bound.
    const shared = performance.now() > until ? null : await readProportionalMemory(pid);
    total += Math.min(memoryBytes, shared ?? memoryBytes);
  }
  return total;
}
