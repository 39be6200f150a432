import { readlinkSync } from 'node:fs';
import { basename } from 'node:path';

import { shortName, type CommandLines } from './command-lines.ts';
import { readThreads, type ProcessStat, type ThreadState } from './proc.ts';

const MOST_PROCESSES = 8;
const MOST_KINDS = 6;
/** Functions in which a process waits for the end of another one. */
const WAITS_FOR_CHILD = /^(do_wait|wait4|kernel_wait4)$/;

/** A process of a stuck tree: what its threads wait for, those that are alike counted together, the most first. */
export interface StuckProcess {
  pid: number;
  name: string;
  /** Its program and script. */
  runs: string;
  threads: (ThreadState & { count: number })[];
}

/**
 * Looks at the processes of a tree, those first that have no child in it: what is stuck is there. Processes that only wait for
 * such a child are left out; of the others, the first eight are looked at.
 */
export function lookAtStuck(processes: ProcessStat[], commandLines: CommandLines): StuckProcess[] {
  const parents = new Set(processes.map(({ parent }) => parent));
  const leaves = processes.filter(({ pid }) => !parents.has(pid));
  const others = processes.filter(({ pid }) => parents.has(pid)).toReversed();
  const looked = [...leaves, ...others].slice(0, 4 * MOST_PROCESSES).map((each) => lookAt(each, commandLines));
  const telling = looked.filter(({ pid, threads }) => !(parents.has(pid) && threads.every(waitsForChild)));
  return telling.slice(0, MOST_PROCESSES);
}

/** One line: `python3 (pid 7): 9 x S futex_do_wait; node (pid 5): 11 x S futex_do_wait, 2 x S ep_poll`. */
export function describeStuck(stuck: StuckProcess[]): string {
  return stuck
    .map(({ pid, name, threads }) => {
      const kinds = threads.map(({ count, state, waitsIn }) => `${count} x ${[state, waitsIn].join(' ').trim()}`);
      return `${name} (pid ${pid}): ${kinds.join(', ')}`;
    })
    .join('; ');
}

/** The same with scripts and kernel stacks, a line for each process and for each kind of its threads. */
export function stuckLines(stuck: StuckProcess[]): string[] {
  return stuck.flatMap(({ pid, name, runs, threads }) => [
    `${name} (pid ${pid}): ${runs}`,
    ...threads.map(({ count, state, waitsIn, frames }) => {
      const where = waitsIn === '' ? '' : ` in ${waitsIn}`;
      const stack = frames.length > 0 ? `, called by ${frames.join(' < ')}` : '';
      return `  ${count} ${count === 1 ? 'thread' : 'threads'} ${state}${where}${stack}`;
    }),
  ]);
}

function lookAt({ pid, name }: ProcessStat, commandLines: CommandLines): StuckProcess {
  const kinds = new Map<string, ThreadState & { count: number }>();
  for (const thread of readThreads(pid)) {
    const kind = `${thread.state} ${thread.waitsIn}`;
    const known = kinds.get(kind);
    if (known === undefined) kinds.set(kind, { ...thread, count: 1 });
    else known.count += 1;
  }
  return {
    pid,
    name: nameOf(pid, name),
    runs: shortName(commandLines.get(pid)) ?? name,
    threads: [...kinds.values()].toSorted((a, b) => b.count - a.count).slice(0, MOST_KINDS),
  };
}

const waitsForChild = ({ waitsIn }: ThreadState): boolean => WAITS_FOR_CHILD.test(waitsIn);

/** Node calls its first thread so, and with it the process. */
function nameOf(pid: number, name: string): string {
  if (name !== 'MainThread') return name;
  try {
    return basename(readlinkSync(`/proc/${pid}/exe`));
  } catch {
    return name;
  }
}
