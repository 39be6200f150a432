import { existsSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';

import { groupFolders, readText, type GroupView } from './hierarchy.ts';

/**
 * The kernel's kills for want of memory in a scope of systemd. systemd removes it with its last process, and its counter with it: what
 * was seen is kept, and what nobody saw is in the counter of the group above, which (version 2) has all those below in it.
 */
export class ScopeEvents {
  readonly #file: string;
  readonly #above: { file: string; first: number } | null;
  #seen = 0;

  private constructor(file: string, above: string | null) {
    this.#file = file;
    this.#above = above === null ? null : { file: above, first: readKills(above) };
  }

  /** The scope that a process is in; null where it is not in that one, or its memory is not counted. */
  static of(view: GroupView, unit: string): ScopeEvents | null {
    for (const { path, version } of groupFolders(view, 'memory')) {
      const words = path.split(sep);
      const at = words.indexOf(unit);
      if (at < 0) continue;
      const folder = words.slice(0, at + 1).join(sep);
      const file = join(folder, version === 2 ? 'memory.events' : 'memory.oom_control');
      const countsBelow = version === 2 && !view.mounts.includes('memory_localevents');
      if (existsSync(file)) return new ScopeEvents(file, countsBelow ? join(dirname(folder), 'memory.events') : null);
    }
    return null;
  }

  /** Those in the scope itself, as far as they were seen. */
  own(): number {
    this.#seen = Math.max(this.#seen, readKills(this.#file));
    return this.#seen;
  }

  /** Those that could be of the scope; null where nobody tells any more. */
  possible(): number | null {
    const own = this.own();
    if (own > 0 || existsSync(this.#file)) return own;
    return this.#above === null ? null : Math.max(0, readKills(this.#above.file) - this.#above.first);
  }
}

/** The counter `oom_kill` of memory.events, memory.oom_control or vmstat. */
export function readKills(file: string): number {
  return Number(/^oom_kill (\d+)$/m.exec(readText(file) ?? '')?.[1] ?? 0);
}
