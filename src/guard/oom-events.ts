import { existsSync } from 'node:fs';
import { join } from 'node:path';

import type { MemoryGroup } from './memory/group.ts';
import { groupFolders, ownGroupView, readText } from './memory/hierarchy.ts';

/** Of the whole machine. */
const MACHINE = '/proc/vmstat';

/**
 * Counts the kernel's kills for want of memory where a process lives: a process that ends by SIGKILL while this rises was killed
 * for memory. The counter of its own group is exact. Without one, or where the process has left it, the control group's that it is
 * in now is asked; where there is none, that of the whole machine, which may count a stranger.
 */
export class OomEvents {
  readonly #cgroupFile: string;
  /** Counts at the first sight of each counter, by file. */
  readonly #first = new Map<string, number>();
  #membership = '';
  readonly #group: MemoryGroup | null;

  constructor(pid: number, group: MemoryGroup | null = null) {
    this.#cgroupFile = `/proc/${pid}/cgroup`;
    this.#group = group;
    // It may still be on its way into its own group: what happens to others in the one that it leaves is none of it.
    if (group !== null) this.#membership = ownGroupView().membership;
    this.follow();
  }

  /** Notes the control group that the process is in now. */
  follow(): void {
    const membership = readText(this.#cgroupFile);
    if (membership === null || membership === this.#membership) return;
    this.#membership = membership;
    if (this.#group === null && !this.#first.has(MACHINE)) this.#first.set(MACHINE, readCount(MACHINE));
    const counter = counterFiles(membership, ownGroupView().mounts).find((file) => existsSync(file));
    const file = counter ?? MACHINE;
    if (!this.#first.has(file)) this.#first.set(file, readCount(file));
  }

  /** Kills since the first look. */
  count(): number {
    const own = [...this.#first].filter(([file]) => file !== MACHINE);
    // A scope of systemd goes with its last process, and its counter with it: the machine's is left.
    const isTold = own.length > 0 && own.every(([file]) => existsSync(file));
    const counted = isTold ? own : [...this.#first];
    const seen = counted.reduce((total, [file, first]) => total + Math.max(0, readCount(file) - first), 0);
    return Math.max(seen, this.inOwnGroup());
  }

  /** Those in the group that was made for it: any of them is a kill at its limit. */
  inOwnGroup(): number {
    return this.#group?.oomKills() ?? 0;
  }
}

/** Where the counter of the group may be, best first. `membership` is a /proc/PID/cgroup, `mounts` a mountinfo(5). */
export function counterFiles(membership: string, mounts: string): string[] {
  return groupFolders({ membership, mounts }, 'memory').map(({ path, version }) =>
    join(path, version === 2 ? 'memory.events.local' : 'memory.oom_control'),
  );
}

function readCount(file: string): number {
  return Number(/^oom_kill (\d+)$/m.exec(readText(file) ?? '')?.[1] ?? 0);
}
