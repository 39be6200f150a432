import { readMemory } from './proc.ts';
import { sampleMemory } from './process-tree.ts';
import { proportionalBytes } from './proportional-memory.ts';

/** Pages that were shared may have been written to, and so have become private, in the meantime. */
const FRESH_MS = 250;

interface Walk {
  /** Memory with each shared page counted once, bytes. */
  totalBytes: number;
  /** Each process's own figure just after the walk, by pid. */
  each: Map<number, number>;
  atMs: number;
}

/**
 * Memory of a tree, sample after sample. To tell shared pages apart, page tables must be walked, which takes longest just when memory is
 * taken fastest. But what a process takes after a walk is its own as long as nothing forks: between walks the last total and the
 * growth since are what counts, and the next walk goes on beside.
 */
export class MemorySampler {
  #walk: Walk | null = null;
  #isWalking = false;

  async sample(pids: number[], certainBytes: number): Promise<number> {
    const walk = this.#walk;
    if (walk === null || pids.some((pid) => !walk.each.has(pid))) {
      const { memoryBytes, wasWalked } = await sampleMemory(pids, certainBytes);
      this.#walk = wasWalked ? { totalBytes: memoryBytes, each: ownFigures(pids), atMs: performance.now() } : null;
      return memoryBytes;
    }
    const now = ownFigures(pids);
    if (performance.now() - walk.atMs > FRESH_MS) void this.#walkBeside(now);
    let sum = 0;
    let grown = walk.totalBytes;
    for (const [pid, bytes] of now) {
      sum += bytes;
      grown += Math.max(0, bytes - (walk.each.get(pid) ?? 0));
    }
    return Math.min(sum, grown);
  }

  async #walkBeside(each: Map<number, number>): Promise<void> {
    if (this.#isWalking) return;
    this.#isWalking = true;
    const pids = [...each.keys()];
    const totalBytes = await proportionalBytes([...each].map(([pid, memoryBytes]) => ({ pid, memoryBytes })));
    // What grew during the walk is missing rather than counted twice: the next one sees it.
    if (totalBytes !== null) this.#walk = { totalBytes, each: ownFigures(pids), atMs: performance.now() };
    this.#isWalking = false;
  }
}

function ownFigures(pids: number[]): Map<number, number> {
  return new Map(
    pids.flatMap((pid) => {
      const memory = readMemory(pid);
      return memory === null ? [] : [[pid, memory.memoryBytes]];
    }),
  );
}
