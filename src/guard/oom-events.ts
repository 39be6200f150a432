import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Counts the kernel's kills for want of memory where a process lives: a process that ends by SIGKILL while this rises was killed
 * for memory. The control group's own counter is asked, which counts every kind of such a kill among its processes; where there is
 * none, that of the whole machine, which may count a stranger.
 */
export class OomEvents {
  readonly #cgroupFile: string;
  /** Counts at the first sight of each counter, by file. */
  readonly #first = new Map<string, number>();
  #membership = '';

  constructor(pid: number) {
    this.#cgroupFile = `/proc/${pid}/cgroup`;
    this.follow();
  }

  /** Notes the control group that the process is in now. */
  follow(): void {
    const membership = readText(this.#cgroupFile);
    if (membership === null || membership === this.#membership) return;
    this.#membership = membership;
    const counter = counterFiles(membership, readText('/proc/self/mountinfo') ?? '').find((file) => existsSync(file));
    const file = counter ?? '/proc/vmstat';
    if (!this.#first.has(file)) this.#first.set(file, readCount(file));
  }

  /** Kills since the first look. */
  count(): number {
    return [...this.#first].reduce((total, [file, first]) => total + Math.max(0, readCount(file) - first), 0);
  }
}

/** Where the counter of the group may be, best first. `membership` is a /proc/PID/cgroup, `mounts` a mountinfo(5). */
export function counterFiles(membership: string, mounts: string): string[] {
  const files: string[] = [];
  for (const line of membership.split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) continue;
    const isUnified = controllers === '';
    if (!isUnified && !controllers.split(',').includes('memory')) continue;
    for (const { root, point, type, options } of parseMounts(mounts)) {
      if (isUnified ? type !== 'cgroup2' : type !== 'cgroup' || !options.includes('memory')) continue;
      // A container that sees only its own part of the hierarchy may still be told its full path.
      const inside = root !== '/' && `${path}/`.startsWith(`${root}/`) ? path.slice(root.length) : path;
      files.push(join(point, inside, isUnified ? 'memory.events.local' : 'memory.oom_control'));
    }
  }
  return files;
}

function parseMounts(mounts: string): { root: string; point: string; type: string; options: string[] }[] {
  return mounts.split('\n').flatMap((line) => {
    const [before = '', after = ''] = line.split(' - ');
    const [, , , root, point] = before.split(' ');
    const [type, , options] = after.split(' ');
    if (root === undefined || point === undefined || type === undefined) return [];
    return [{ root, point, type, options: (options ?? '').split(',') }];
  });
}

function readCount(file: string): number {
  return Number(/^oom_kill (\d+)$/m.exec(readText(file) ?? '')?.[1] ?? 0);
}

function readText(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}
