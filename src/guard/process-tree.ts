import type { MemoryGroup } from './memory/group.ts';
import { locksOf, type LockIdentity } from './lock-lines.ts';
import { isLive, listPids, readMemory, readStat, type ProcessStat } from './proc.ts';
import { proportionalBytes } from './proportional-memory.ts';

/**
 * The processes that descend from one root, followed over time.
 *
 * A process belongs to the tree when its parent does, when it lives in a session that the tree has opened, when it is in the tree's
 * control group, when it holds one of the tree's locks through an inherited descriptor, or when it belonged before: a process whose parent has ended is handed to
 * init and keeps none of the first, but it keeps its pid and start time. Pids are reused, so the pair of both is what is remembered.
 * What escapes: a process that leaves its parent, its session and its descriptors all between two scans, and is in no group of the tree's.
 */
export class ProcessTree {
  readonly root: ProcessStat;
  /** Its control group, where it has one of its own. */
  readonly group: MemoryGroup | null;
  readonly #locks: LockIdentity[];
  /** Start ticks of the members of the last scan, by pid. */
  #members = new Map<number, number>();
  #sessions = new Set<number>();
  /** Strangers that have been asked for their locks: start ticks by pid. */
  #asked = new Map<number, number>();

  constructor(root: ProcessStat, locks: LockIdentity[] = [], group: MemoryGroup | null = null) {
    this.root = root;
    this.#locks = locks;
    this.group = group;
    this.#members.set(root.pid, root.startTicks);
    // A root that did not open its own session shares it with strangers (a shell, its other jobs).
    if (root.session === root.pid) this.#sessions.add(root.session);
  }

  /** The live processes of the tree, now. */
  scan(): ProcessStat[] {
    const candidates = new Map<number, ProcessStat>();
    for (const pid of listPids()) {
      const stat = readStat(pid);
      // Nothing that started before the root can descend from it.
      if (stat !== null && stat.startTicks >= this.root.startTicks) candidates.set(pid, stat);
    }
    const found = new Map<number, ProcessStat>();
    const grouped = new Set(this.group?.pids());
    for (const stat of candidates.values()) if (grouped.has(stat.pid) || this.#isKnown(stat)) found.set(stat.pid, stat);
    let before = -1;
    while (found.size > before) {
      before = found.size;
      for (const stat of candidates.values()) {
        if (!found.has(stat.pid) && (found.has(stat.parent) || this.#sessions.has(stat.session)))
          found.set(stat.pid, stat);
      }
    }
    const live = [...found.values()].filter(isLive);
    // Only sessions that still have members count: the number of an empty one may be given to a stranger.
    this.#sessions = new Set(live.map((stat) => stat.session).filter((session) => this.#isOwnSession(session)));
    this.#members = new Map([...found.values()].map((stat) => [stat.pid, stat.startTicks]));
    return live;
  }

  #isKnown(stat: ProcessStat): boolean {
    if (this.#members.get(stat.pid) === stat.startTicks) return true;
    if (this.#locks.length === 0 || stat.pid === process.pid || this.#asked.get(stat.pid) === stat.startTicks)
      return false;
    this.#asked.set(stat.pid, stat.startTicks);
    return locksOf(stat.pid).some(({ file }) => this.#locks.includes(file));
  }

  #isOwnSession(session: number): boolean {
    return session !== this.root.session || session === this.root.pid;
  }
}

export interface TreeSample {
  /** Anonymous + shared memory + swap of all processes, each counted once where they could be told apart, bytes. */
  memoryBytes: number;
  /** Sum of the resident sizes: mapped files are in it, and shared pages once for each process, bytes. */
  rssBytes: number;
  pids: number[];
  /** Whether pages had to be told apart. */
  wasWalked: boolean;
}

/** Less than this in the smaller processes is not worth the walk through their page tables. */
const WORTH_TELLING_APART_BYTES = 32 * 1024 * 1024;

/**
 * Memory of these processes. A single process is exact at once; of several, the sum of their own figures is an upper bound that counts
 * shared pages more than once, and it is refined by proportional figures where that can matter. Nothing is refined where the
 * largest process alone is above `certainBytes`.
 */
export async function sampleMemory(pids: number[], certainBytes = Infinity): Promise<TreeSample> {
  const each = pids.flatMap((pid) => {
    const memory = readMemory(pid);
    return memory === null ? [] : [{ pid, ...memory }];
  });
  const sum = each.reduce((total, { memoryBytes }) => total + memoryBytes, 0);
  const largest = each.reduce((most, { memoryBytes }) => Math.max(most, memoryBytes), 0);
  const isExact = sum - largest < WORTH_TELLING_APART_BYTES || largest > certainBytes;
  const walked = isExact ? null : await proportionalBytes(each);
  return {
    memoryBytes: walked ?? sum,
    wasWalked: walked !== null,
    rssBytes: each.reduce((total, { rssBytes }) => total + rssBytes, 0),
    pids: each.map(({ pid }) => pid),
  };
}

/** One sample of the tree below (and with) `rootPid`; all zero where it has gone. */
export async function sampleTree(rootPid: number): Promise<TreeSample> {
  const root = readStat(rootPid);
  if (root === null) return { memoryBytes: 0, rssBytes: 0, pids: [], wasWalked: false };
  return sampleMemory(new ProcessTree(root).scan().map(({ pid }) => pid));
}
