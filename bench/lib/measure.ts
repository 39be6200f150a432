/** One run of a contender, under the guard that every merge has. */
import { execFile } from 'node:child_process';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { machineLockPath } from '../../src/config/environment.ts';
import type { GuardOutcome } from '../../src/guard/command.ts';
import { runGuarded } from '../../src/guard/run.ts';
import type { Contender, Task } from './contender.ts';

const run = promisify(execFile);
const GRACE_MS = 5_000;
const LONGEST_REASON = 300;

export interface Measurement {
  outcome: GuardOutcome;
  /** Of the guard, or the last line that the command said; null where it succeeded. */
  reason: string | null;
  /** From the start of the first process to the end of the last one, start of interpreters included. */
  wallMs: number;
  /** What the command itself told on descriptor 3, as `{"ms": 12}`: its work without its start. */
  toldMs?: number;
  cpuMs: number;
  /** Peak of the whole process tree, bytes, as the guard samples it: anonymous and shared memory and swap. */
  peakBytes: number;
  /** 0 where there is no output. */
  outputBytes: number;
}

export interface RunLimits {
  memoryBytes: number;
  timeoutMs: number;
  /** Ends the run. */
  signal: AbortSignal;
}

/**
 * Runs it once, in a new folder that is called `folder`, and leaves there what it makes. What others have written is brought to disk before, so
 * that nobody pays for it. Rejects where it cannot be started, e.g. with LockBusyError where something else is being merged on this machine.
 */
export async function measure(contender: Contender, task: Task, limits: RunLimits): Promise<Measurement> {
  const folder = dirname(task.output);
  const spill = join(folder, 'spill');
  await mkdir(spill, { recursive: true });
  await run('sync', ['-f', folder]);
  const [command = '', ...args] = contender.argv(task);
  const env = { ...contender.env, TMPDIR: spill };
  const { memoryBytes, timeoutMs, signal } = limits;
  let toldMs: number | undefined;
  const onMessage = (message: unknown): void => {
    toldMs = (message as { ms: number }).ms;
  };
  const { outcome, reason, stderrTail, wallMs, cpuMs, peakBytes } = await runGuarded(
    { command, args, env, cwd: spill, lockFiles: contender.takesLock ? [] : [machineLockPath] },
    { memoryBytes, killAboveBytes: memoryBytes, timeoutMs, stallMs: timeoutMs, graceMs: GRACE_MS },
    { signal, onMessage },
  );
  const said = [reason, stderrTail.trim().split('\n').at(-1)].filter(Boolean).join('; ').slice(0, LONGEST_REASON);
  await rm(spill, { recursive: true, force: true });
  return {
    ...{ outcome, reason: outcome === 'succeeded' ? null : said || null },
    ...(toldMs !== undefined && { toldMs }),
    ...{ wallMs: Math.round(wallMs), cpuMs, peakBytes, outputBytes: await sizeOf(task.output) },
  };
}

async function sizeOf(path: string): Promise<number> {
  const found = await stat(path).catch(() => null);
  if (found === null || !found.isDirectory()) return found?.size ?? 0;
  const sizes = (await readdir(path)).map((name) => sizeOf(join(path, name)));
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
