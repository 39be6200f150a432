import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';

const PATIENCE_MS = 1000;
const LONGEST_NAME = 60;
const SCRIPT = /^[\w.-]+\.(py|sh|[cm]?[jt]s)$/;

/** Words of command lines, by pid; those that could not be read are missing. */
export type CommandLines = ReadonlyMap<number, string[]>;

/** A reading that did not come back in time. Never a second one: each would hold a thread of Node's pool. */
let stuck: Promise<unknown> | null = null;

/**
 * Command lines stand in the memory of their processes, whose lock the kernel waits for: of a process that is stuck with it, they are
 * never told. So they are read beside, one after the other, and what has not come after a second is done without.
 */
export async function readCommandLines(
  pids: number[],
  { patienceMs = PATIENCE_MS, folder = '/proc' } = {},
): Promise<CommandLines> {
  const lines = new Map<number, string[]>();
  if (stuck !== null) return lines;
  const timer = Promise.withResolvers<'late'>();
  const timeout = setTimeout(timer.resolve, patienceMs, 'late');
  const stopped = new AbortController();
  const reading = readEach(pids, folder, lines, stopped.signal);
  if ((await Promise.race([reading, timer.promise])) === 'late') {
    stopped.abort();
    stuck = reading.finally(() => (stuck = null));
  }
  clearTimeout(timeout);
  return lines;
}

async function readEach(
  pids: number[],
  folder: string,
  lines: Map<number, string[]>,
  stopped: AbortSignal,
): Promise<void> {
  for (const pid of pids) {
    const text = await readFile(`${folder}/${pid}/cmdline`, 'utf8').catch(() => '');
    if (stopped.aborted) return;
    if (text !== '') lines.set(pid, text.replace(/\0+$/, '').split('\0'));
  }
}

/**
 * Program and script without their folders, `python3 merge.py`; null where there are no words. Nothing else of a command line may leave
 * this machine: there may be secrets in it.
 */
export function shortName(words: string[] | undefined): string | null {
  const [program, ...args] = words ?? [];
  if (program === undefined) return null;
  // A program may have set its title, with whatever it likes: one word alone, of which only what stands before a blank is its name.
  const own = basename(args.length === 0 ? (program.split(' ')[0] ?? '') : program);
  const script = args.filter((word) => !word.startsWith('-')).map((word) => basename(word));
  return [own, ...script.filter((name) => SCRIPT.test(name)).slice(0, 1)].join(' ').slice(0, LONGEST_NAME) || null;
}
