import { readdirSync, rmdirSync, type Dirent } from 'node:fs';
import { join } from 'node:path';

import { readText } from './hierarchy.ts';

/** A control group of one guarded command: a hard limit of the kernel for the whole tree, and exact knowledge of who belongs to it. */
export interface MemoryGroup {
  readonly name: 'cgroup-v2' | 'cgroup-v1';
  /** A process enters the group by writing `0` to each of these. */
  readonly joinFiles: string[];
  /** Members, by the pids that this process sees. */
  pids(): number[];
  /** The kernel's kills for want of memory among the members so far. */
  oomKills(): number;
  /** SIGKILL for all members, none of which can start another one meanwhile. */
  kill(): void;
  /** Removes the folders; false where one still has processes. */
  remove(): boolean;
}

export function pidsBelow(folder: string): number[] {
  return withSubfolders(folder).flatMap((each) => numbers(readText(join(each, 'cgroup.procs'))));
}

/** Sum of a counter, of the group and of those that the command has made below it. */
export function countBelow(folder: string, file: string, counter: RegExp): number {
  return withSubfolders(folder).reduce(
    (sum, each) => sum + Number(counter.exec(readText(join(each, file)) ?? '')?.[1] ?? 0),
    0,
  );
}

/** Deepest first; true where nothing is left of it. */
export function removeFolders(folder: string): boolean {
  for (const each of withSubfolders(folder).reverse()) {
    try {
      rmdirSync(each);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return false;
    }
  }
  return true;
}

export function killPids(pids: number[]): void {
  for (const pid of pids) {
    try {
      if (pid > 0) process.kill(pid, 'SIGKILL');
    } catch {
      continue; // Gone already.
    }
  }
}

function withSubfolders(folder: string): string[] {
  let entries: Dirent[];
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch {
    return [folder];
  }
  return [
    folder,
    ...entries.filter((entry) => entry.isDirectory()).flatMap(({ name }) => withSubfolders(join(folder, name))),
  ];
}

/** A member of another pid namespace that is not seen from here is written as 0. */
function numbers(text: string | null): number[] {
  return (text ?? '')
    .split('\n')
    .map(Number)
    .filter((pid) => pid > 0);
}
