import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';

/**
 * What /proc tells of one process. Sources: proc_pid_stat(5), proc_pid_status(5), proc_pid_io(5).
 *
 * Processes end while they are read: every reader here answers null for one that has gone. The reads are synchronous on purpose: they
 * take microseconds, and a guard must not queue behind a busy thread pool. Asynchronous are only those that wait
 * for the process's memory lock: smaps_rollup, which walks page tables, and cmdline (command-lines.ts).
 */
export interface ProcessStat {
  pid: number;
  /** Name of the program, at most 15 characters. */
  name: string;
  /** One letter: R, S, D, T, Z ... */
  state: string;
  parent: number;
  session: number;
  threads: number;
  /** User and system time of the process itself, clock ticks of 10 ms. */
  cpuTicks: number;
  /** Start, clock ticks since boot: with the pid it names a process beyond the reuse of pids. */
  startTicks: number;
}

/** Bytes. */
export interface ProcessMemory {
  /** Anonymous pages + shared memory + swap. Pages shared with another process are counted in both. */
  memoryBytes: number;
  /** Resident size: mapped files too, no swap. */
  rssBytes: number;
}

const KIB = 1024;

/** Duration of one tick of cpuTicks and startTicks; USER_HZ is 100 on every architecture that Node runs on. */
export const TICK_MS = 10;

export function listPids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

export function readStat(pid: number): ProcessStat | null {
  const text = readOrNull(`/proc/${pid}/stat`);
  return text === null ? null : parseStat(text);
}

/** The name stands in brackets and may itself hold brackets and spaces, so the fields are counted from the last bracket. */
export function parseStat(text: string): ProcessStat | null {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  if (open < 0 || close < open) return null;
  const fields = text.slice(close + 2).split(' ');
  const field = (number: number): number => Number(fields[number - 3]);
  return {
    pid: Number(text.slice(0, open)),
    name: text.slice(open + 1, close),
    state: fields[0] ?? '?',
    parent: field(4),
    session: field(6),
    threads: field(20),
    cpuTicks: field(14) + field(15),
    startTicks: field(22),
  };
}

/** False for a zombie: its memory is free, it only waits for its parent. A leader that ended before its threads still counts. */
export function isLive(stat: ProcessStat): boolean {
  return !'ZXx'.includes(stat.state) || stat.threads > 1;
}

export function readMemory(pid: number): ProcessMemory | null {
  const text = readOrNull(`/proc/${pid}/status`);
  if (text === null) return null;
  const rss = (name: string): number => KIB * Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0);
  return { memoryBytes: rss('RssAnon') + rss('RssShmem') + rss('VmSwap'), rssBytes: rss('VmRSS') };
}

/** Like memoryBytes, with each shared page divided by the number of its users. Milliseconds per GiB, and it may wait. */
export async function readProportionalMemory(pid: number): Promise<number | null> {
  try {
    const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8');
    if (!text.includes('Pss_Anon:')) return null; // Kernels before 5.9 do not split it.
    const part = (name: string): number => KIB * Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0);
    return part('Pss_Anon') + part('Pss_Shmem') + part('SwapPss');
  } catch {
    return null;
  }
}

/** Bytes that passed through read and write calls, or to and from the disk (mapped files), whichever is more. */
export function readIoBytes(pid: number): number | null {
  const text = readOrNull(`/proc/${pid}/io`);
  if (text === null) return null;
  const count = (name: string): number => Number(new RegExp(`^${name}: (\\d+)`, 'm').exec(text)?.[1] ?? 0);
  return Math.max(count('rchar') + count('wchar'), count('read_bytes') + count('write_bytes'));
}

export interface ThreadState {
  /** One letter. */
  state: string;
  /** The kernel function that it waits in; empty where it waits in none, or that is not shown. */
  waitsIn: string;
  /** Those that have called it, the nearest first, at most FRAMES; shown to root only. */
  frames: string[];
}

const FRAMES = 5;

export function readThreads(pid: number): ThreadState[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) => {
      const folder = `/proc/${pid}/task/${thread}`;
      const state = parseStat(readOrNull(`${folder}/stat`) ?? '')?.state;
      if (state === undefined) return [];
      const waitsIn = (readOrNull(`${folder}/wchan`) ?? '').trim();
      const stack = [...(readOrNull(`${folder}/stack`) ?? '').matchAll(/^\[<\w+>\] (\w+)/gm)].map((match) => match[1]!);
      const frames = stack.slice(stack[0] === waitsIn ? 1 : 0).slice(0, FRAMES);
      return [{ state, waitsIn: waitsIn === '0' ? '' : waitsIn, frames }];
    });
  } catch {
    return [];
  }
}

function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
