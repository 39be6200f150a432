/** Runs the command line as a person would: a process of its own, with the machine's lock and Temporal's settings of the test. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts');

export interface CliRun {
  exitCode: number | null;
  stdout: string;
  stderr: string;
  /** The last line of standard output, parsed; undefined where it is no JSON. */
  json: unknown;
}

export interface Cli {
  folder: string;
  run(...args: string[]): Promise<CliRun>;
  /** Started, not waited for; killed with `close`. Both streams must be read. */
  start(...args: string[]): {
    pid: number;
    stdout: Readable;
    stderr: Readable;
    ended: Promise<number | null>;
    signal: (name: NodeJS.Signals) => void;
  };
  close(): Promise<void>;
}

/** `environment` is added to a plain one; TEMPORAL_* of the person who runs the tests does not reach them. */
export async function openCli(environment: Record<string, string> = {}): Promise<Cli> {
  const folder = await mkdtemp(join(tmpdir(), 'widemerge-cli-'));
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('TEMPORAL_'));
  const env = {
    ...Object.fromEntries(own),
    WIDEMERGE_LOCK_FILE: join(folder, 'machine.lock'),
    TEMPORAL_CONFIG_FILE: join(folder, 'none.toml'),
    ...environment,
  };
  const started: { kill: () => void; ended: Promise<unknown> }[] = [];
  const start = (args: string[]) => {
    const child = spawn(process.execPath, [MAIN, ...args], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
    const ended = once(child, 'close').then(([code]) => code as number | null);
    started.push({ kill: () => child.kill('SIGKILL'), ended });
    return { child, ended };
  };
  return {
    folder,
    run: async (...args) => {
      const { child, ended } = start(args);
      const [stdout, stderr, exitCode] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
      return { exitCode, stdout, stderr, json: lastJson(stdout) };
    },
    start: (...args) => {
      const { child, ended } = start(args);
      return { pid: child.pid!, stdout: child.stdout, stderr: child.stderr, ended, signal: (name) => child.kill(name) };
    },
    close: async () => {
      for (const { kill } of started) kill();
      await Promise.all(started.map(({ ended }) => ended));
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

function lastJson(stdout: string): unknown {
  try {
    return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '');
  } catch {
    return undefined;
  }
}
