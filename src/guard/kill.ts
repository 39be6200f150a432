import { readStat, type ProcessStat } from './proc.ts';
import type { ProcessTree } from './process-tree.ts';

/** A tree that forks faster than this many scans is killed as far as it is known. */
const FREEZE_ROUNDS = 10;

/**
 * SIGKILL for every process of the tree: those of its control group at one stroke. All others are stopped first, until a scan finds nothing new: killed one after the other, a
 * parent would see its child die and could start another one.
 */
export function killTree(tree: ProcessTree): void {
  try {
    tree.group?.kill();
  } catch {
    // Its folder is gone, or no longer ours: one by one, then.
  }
  const frozen = new Set<number>();
  try {
    for (let round = 0; round < FREEZE_ROUNDS; round++) {
      const running = tree.scan().filter(({ pid }) => !frozen.has(pid));
      if (running.length === 0) break;
      for (const { pid } of running) {
        send(pid, 'SIGSTOP');
        frozen.add(pid);
      }
    }
    // Usually nobody is left at the end of a command: then a scan is saved.
    if (frozen.size > 0) signalTree(tree, 'SIGKILL');
  } catch {
    // No descriptor is left to look with: those that are known, and the session's first process group, which takes none. Who waits for their end is told.
    for (const pid of frozen) send(pid, 'SIGKILL');
    if (tree.root.session === tree.root.pid) send(-tree.root.pid, 'SIGKILL');
  }
}

/** `spared`: a process that only carries the others, and must outlive them. */
export function signalTree(tree: ProcessTree, signal: NodeJS.Signals, spared?: number): void {
  for (const { pid } of tree.scan()) if (pid !== spared) send(pid, signal);
}

/**
 * SIGKILL for processes that are known to be of a tree, without looking for others first: what takes memory at full speed is stopped now.
 * They were seen a moment ago: one whose start is another by now has only been given the pid, and is nobody's to kill.
 */
export function killAtOnce(processes: Pick<ProcessStat, 'pid' | 'startTicks'>[]): void {
  for (const { pid, startTicks } of processes) if (readStat(pid)?.startTicks === startTicks) send(pid, 'SIGKILL');
}

/**
 * Waits until no process of the tree, which has been killed, is left; false where one cannot die in time (it waits inside the kernel, for a disk
 * perhaps). One that was between two processes when its tree was looked for is killed here.
 */
export async function waitUntilGone(tree: ProcessTree, timeoutMs: number): Promise<boolean> {
  const until = performance.now() + timeoutMs;
  for (let left = tree.scan(); left.length > 0; left = tree.scan()) {
    killAtOnce(left);
    if (performance.now() > until) return false;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return true;
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    return; // Gone already.
  }
}
