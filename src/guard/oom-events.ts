import { existsSync } from 'node:fs';
import { join } from 'node:path';

import type { MemoryBound } from './memory-means.ts';
import { groupFolders, readText, type GroupView } from './memory/hierarchy.ts';
import { readKills, ScopeEvents } from './memory/scope-events.ts';

/** Of the whole machine. */
const MACHINE = '/proc/vmstat';

/**
 * Counts the kernel's kills for want of memory where a process lives: a process that ends by SIGKILL while this rises was killed
 * for memory. The counter of its own group or scope is exact. Without one, or where the process has left it, the control group's that it is
 * in now is asked; where there is none, that of the whole machine, which may count a stranger.
 */
export class OomEvents {
  readonly #cgroupFile: string;
  readonly #mountsFile: string;
  readonly #bound: Pick<MemoryBound, 'group' | 'scope'>;
  /** Counts at the first sight of each counter, by file. */
  readonly #first = new Map<string, number>();
  #scope: ScopeEvents | null = null;
  #membership = '';

  /** `proc`: tests give another than this machine's. */
  constructor(pid: number, bound: Pick<MemoryBound, 'group' | 'scope'>, proc = '/proc') {
    this.#cgroupFile = join(proc, String(pid), 'cgroup');
    this.#mountsFile = join(proc, 'self', 'mountinfo');
    this.#bound = bound;
    // It may still be on its way into its own group: what happens to others in the one that it leaves is none of it.
    if (bound.group !== null || bound.scope !== null) this.#membership = readText(join(proc, 'self', 'cgroup')) ?? '';
    if (bound.group === null) this.#first.set(MACHINE, readKills(MACHINE));
    this.follow();
  }

  /** Notes the control group that the process is in now, and the kills in its scope, which may be gone the next time. */
  follow(): void {
    this.#scope?.own();
    const membership = readText(this.#cgroupFile);
    if (membership === null || membership === this.#membership) return;
    this.#membership = membership;
    const view = { membership, mounts: readText(this.#mountsFile) ?? '' };
    if (this.#bound.scope !== null) this.#scope ??= ScopeEvents.of(view, this.#bound.scope);
    if (this.#scope !== null) return;
    const file = counterFiles(view).find((each) => existsSync(each)) ?? MACHINE;
    if (!this.#first.has(file)) this.#first.set(file, readKills(file));
  }

  /** Kills since the first look. */
  count(): number {
    if (this.#scope !== null) return this.#scope.possible() ?? this.#since([MACHINE]);
    const own = [...this.#first.keys()].filter((file) => file !== MACHINE);
    // A group that somebody else has made may have gone, and its counter with it: the machine's is left.
    const isTold = own.length > 0 && own.every((file) => existsSync(file));
    return Math.max(this.#since(isTold ? own : [...this.#first.keys()]), this.inOwnGroup());
  }

  /** Those in the group or scope that was made for it: any of them is a kill at its limit. */
  inOwnGroup(): number {
    return this.#bound.group?.oomKills() ?? this.#scope?.own() ?? 0;
  }

  #since(files: string[]): number {
    return files.reduce((sum, file) => sum + Math.max(0, readKills(file) - (this.#first.get(file) ?? 0)), 0);
  }
}

/** Where the counter of the group may be, best first. */
export function counterFiles(view: GroupView): string[] {
  return groupFolders(view, 'memory').map(({ path, version }) =>
    join(path, version === 2 ? 'memory.events.local' : 'memory.oom_control'),
  );
}
