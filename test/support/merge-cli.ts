/** Runs `widemerge merge` as a person would, and a merge process as its guard would. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { FailureFacts } from '../../src/payloads.ts';
import type { MergeJob, MergeMessage, MergeStep } from '../../src/merge/job.ts';

const CHECKOUT = join(import.meta.dirname, '..', '..');
const BIN = join(CHECKOUT, 'bin', 'widemerge.mjs');
const PROCESS = join(CHECKOUT, 'src', 'merge', 'process.ts');

/** The last line of `merge --json` after a merge. */
export interface MergeSummary {
  files: number;
  rows: number;
  columns: number;
  aligned: number;
  realigned: number;
  bytesIn: number;
  bytesOut: number;
  wallMs: number;
  /** As the guard counts: anonymous and shared memory and swap of the whole tree, each once. */
  peakMemoryBytes: number;
  peakRssBytes: number;
  output: string;
  verified: string;
}

export interface MergeRun {
  exitCode: number | null;
  stdout: string;
  stderr: string;
  /** The last line of standard output as JSON, where it is. */
  json: unknown;
}

/** `widemerge merge ARGS --json`; the machine's lock is one of its own, so that tests do not wait for each other. */
export async function runMerge(args: string[], lockFile: string): Promise<MergeRun> {
  const child = spawn(process.execPath, [BIN, 'merge', ...args, '--json'], {
    env: { ...process.env, WIDEMERGE_LOCK_FILE: lockFile },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [stdout, stderr, exitCode] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { exitCode, stdout, stderr, json: lastJson(stdout) };
}

/** The same for a merge that must end well. */
export async function merge(args: string[], lockFile: string): Promise<MergeSummary> {
  const run = await runMerge(args, lockFile);
  if (run.exitCode !== 0)
    throw new Error(`merge ${args.join(' ')} ended with ${run.exitCode}: ${run.stdout}${run.stderr}`);
  return run.json as MergeSummary;
}

function lastJson(stdout: string): unknown {
  try {
    return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '');
  } catch {
    return null;
  }
}

export interface StepsRun {
  exitCode: number | null;
  messages: MergeMessage[];
  failure: FailureFacts | null;
  stderr: string;
}

export function mergeJob(dir: string, output: string, overrides: Partial<MergeJob> = {}): MergeJob {
  return {
    steps: ['discover', 'merge', 'verify', 'publish'],
    source: { dir, root: null, pattern: '*.parquet', expected: null },
    output: { path: output, replace: false },
    key: 'interval_time',
    rows: 'union',
    reference: null,
    engine: 'stitch',
    verify: 'bytes',
    memoryBytes: 1024 ** 3,
    ...overrides,
  };
}

/** Some steps of a job in a merge process of their own: what happens between two calls happens between the steps. */
export async function runSteps(job: MergeJob, steps: MergeStep[]): Promise<StepsRun> {
  const child = spawn(process.execPath, [PROCESS], { stdio: ['pipe', 'ignore', 'pipe', 'pipe'] });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  child.stdin!.write(`${JSON.stringify({ ...job, steps })}\n`);
  const [stderr, lines, exitCode] = await Promise.all([text(child.stderr!), text(child.stdio[3] as Readable), ended]);
  const messages = lines.split('\n').filter(Boolean);
  const parsed = messages.map((line) => JSON.parse(line) as MergeMessage);
  const failure = parsed.flatMap((message) => (message.event === 'failed' ? [message.failure] : [])).at(-1) ?? null;
  return { exitCode, messages: parsed, failure, stderr };
}

/** A folder that is gone when the test ends; `lock` in it is the test's own machine lock. */
export async function temporaryFolder(): Promise<AsyncDisposable & { path: string; lock: string }> {
  const path = await mkdtemp(join(tmpdir(), 'widemerge-acceptance-'));
  return {
    path,
    lock: join(path, '.machine.lock'),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}

/** Content and times of every file of a folder, by name: equal before and after means that nothing was touched. */
export async function snapshot(dir: string): Promise<Record<string, string>> {
  const result: Record<string, string> = {};
  for (const name of (await readdir(dir)).toSorted()) {
    const path = join(dir, name);
    const { mtimeMs, size } = await stat(path);
    result[name] = `${size} ${mtimeMs} ${createHash('sha256')
      .update(await readFile(path))
      .digest('hex')}`;
  }
  return result;
}

/** Nothing of a merge may be seen beside its hidden workspace: neither the output nor a manifest. */
export async function visibleFiles(dir: string): Promise<string[]> {
  if (!existsSync(dir)) return [];
  return (await readdir(dir)).filter((name) => !name.startsWith('.')).toSorted();
}
