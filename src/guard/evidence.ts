import { readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { CommandLines } from './command-lines.ts';
import { readText } from './memory/hierarchy.ts';
import type { ProcessStat } from './proc.ts';

const MOST_PROCESSES = 64;
const MOST_THREADS = 256;
const MOST_FILES = 256;

/**
 * Writes all that the kernel tells of a stuck tree into a file, replacing one of before: command lines, open files, and of each thread its
 * state, the kernel function and the system call that it waits in, and its kernel stack (shown to root only). Only this user may read it:
 * command lines may hold secrets. Returns the path, or null where it could not be written: evidence must not keep a kill waiting.
 */
export function writeEvidence(
  file: string,
  processes: ProcessStat[],
  commandLines: CommandLines,
  title: string,
): string | null {
  const parts = processes.slice(0, MOST_PROCESSES).map((each) => describeProcess(each, commandLines.get(each.pid)));
  const left = processes.length - parts.length;
  const more = left > 0 ? [`and ${left} more processes\n`] : [];
  try {
    rmSync(file, { force: true });
    const text = [`${title}\n${new Date().toISOString()}\n`, ...parts, ...more].join('\n');
    writeFileSync(file, text, { mode: 0o600, flag: 'wx' });
    return file;
  } catch {
    return null;
  }
}

function describeProcess({ pid, name, parent, state }: ProcessStat, words: string[] | undefined): string {
  const folder = `/proc/${pid}`;
  const commandLine = words?.join(' ').trim() ?? 'its command line could not be read';
  const threads = list(join(folder, 'task')).slice(0, MOST_THREADS);
  return [
    `process ${pid} (${name}), child of ${parent}, ${state}: ${commandLine.slice(0, 1000)}`,
    ...list(join(folder, 'fd'))
      .slice(0, MOST_FILES)
      .map((descriptor) => `  file ${descriptor} -> ${linkOf(join(folder, 'fd', descriptor))}`),
    ...threads.map((thread) => describeThread(join(folder, 'task', thread), thread)),
    '',
  ].join('\n');
}

function describeThread(folder: string, thread: string): string {
  const line = (name: string): string => (readText(join(folder, name)) ?? '').trim() || '-';
  const state = /^State:\s+(.*)$/m.exec(readText(join(folder, 'status')) ?? '')?.[1] ?? '?';
  const stack = (readText(join(folder, 'stack')) ?? '').trim();
  const head = `  thread ${thread} (${line('comm')}): ${state}, waits in ${line('wchan')}, system call ${line('syscall')}`;
  return stack === '' ? head : [head, ...stack.split('\n').map((frame) => `    ${frame}`)].join('\n');
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // Gone, or another user's.
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return 'closed meanwhile';
  }
}
