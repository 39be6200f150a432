/** A whole pipeline for tests: embedded server with a state file, workers as processes, samples, in one temporary folder. */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { WorkerProcess } from '../../src/cli/demo/worker-process.ts';
import type { RunConfig } from '../../src/payloads.ts';
import { ensureTemporalBinary } from '../../src/server/ensure.ts';
import { startServer, type RunningServer } from '../../src/server/start.ts';

const CLI = join(import.meta.dirname, '../../src/cli/main.ts');
const run = promisify(execFile);
const GIB = 1024 ** 3;

export class Stage implements AsyncDisposable {
  readonly folder: string;
  readonly worker: WorkerProcess;
  readonly client: Client;
  readonly binary: string;
  readonly #connection: Connection;
  #server: RunningServer;

  private constructor(
    folder: string,
    binary: string,
    server: RunningServer,
    connection: Connection,
    environment: Record<string, string>,
  ) {
    this.folder = folder;
    this.binary = binary;
    this.#server = server;
    this.#connection = connection;
    this.client = new Client({ connection });
    this.worker = new WorkerProcess(folder, server.address, environment);
  }

  /** `environment` is for its worker, beside Temporal's address. */
  static async open(environment: Record<string, string> = {}): Promise<Stage> {
    const folder = await mkdtemp(join(tmpdir(), 'widemerge-stage-'));
    const binary = await ensureTemporalBinary(() => undefined);
    const server = await startServer({ binary, dbFilename: join(folder, 'server.db'), uiPort: 0 });
    const connection = await Connection.connect({ address: server.address });
    await mkdir(join(folder, 'merged'));
    return new Stage(folder, binary, server, connection, environment);
  }

  get address(): string {
    return this.#server.address;
  }

  get serverPid(): number {
    return this.#server.pid;
  }

  /** Environment for commands that are to use this stage. */
  get env(): NodeJS.ProcessEnv {
    return {
      ...process.env,
      TEMPORAL_ADDRESS: this.address,
      TEMPORAL_CONFIG_FILE: join(this.folder, 'no-profile.toml'),
      WIDEMERGE_LOCK_FILE: join(this.folder, 'machine.lock'),
    };
  }

  /** Runs `widemerge ARGS`; does not throw. */
  async widemerge(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    return this.#exec(process.execPath, [CLI, ...args]);
  }

  /** Runs the stock command line of Temporal; throws where it fails. */
  async temporal(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.#exec(this.binary, [...args, '--address', this.address]);
    if (code !== 0) throw new Error(`temporal ${args.join(' ')}: ${stdout}${stderr}`);
    return stdout;
  }

  async #exec(file: string, args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    try {
      return { code: 0, ...(await run(file, args, { env: this.env, cwd: this.folder })) };
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
      return { code, stdout, stderr };
    }
  }

  config(changes: Partial<RunConfig> = {}): RunConfig {
    return {
      name: 'stage',
      root: join(this.folder, 'checkpoints'),
      output: join(this.folder, 'merged'),
      pairs: '*',
      key: 'interval_time',
      checkpoints: { pattern: '*.parquet', expected: null },
      rows: 'union',
      reference: null,
      backends: ['local'],
      limits: { memoryBytes: GIB, killAboveBytes: 2 * GIB, timeoutMs: 300_000, stallMs: 60_000 },
      health: { minFreeMemoryBytes: 0, maxSwapUsedPercent: 100, minFreeDiskBytes: 0 },
      verify: 'bytes',
      clean: 'keep',
      replace: false,
      ...changes,
    };
  }

  /** SIGKILL of the server, then the same state file and port again. */
  async killServer(): Promise<void> {
    const port = Number(this.address.split(':')[1]);
    process.kill(this.#server.pid, 'SIGKILL');
    await this.#server.ended;
    this.#server = await startServer({
      binary: this.binary,
      dbFilename: join(this.folder, 'server.db'),
      port,
      uiPort: 0,
    });
  }

  /** Pid of the merge process that the worker runs at the moment, or null. */
  mergeChild(): number | null {
    const { pid } = this.worker;
    return pid === undefined ? null : findMerge(pid);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.worker.stop();
    await this.#connection.close();
    await this.#server.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Pid of the merge process below a process, or null. */
export function findMerge(pid: number): number | null {
  try {
    for (const task of readdirSync(`/proc/${pid}/task`))
      for (const child of readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean)) {
        if (readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('merge/process')) return Number(child);
        const below = findMerge(Number(child));
        if (below !== null) return below;
      }
  } catch {
    // A process that ended while it was looked at has no merge.
  }
  return null;
}

/** Waits until `condition` gives something; fails after `limitMs`, so that a test that hangs says where. */
export async function until<T>(
  what: string,
  condition: () => T | Promise<T>,
  limitMs = 120_000,
): Promise<NonNullable<T>> {
  const end = performance.now() + limitMs;
  for (;;) {
    const value = await condition();
    if (value !== null && value !== undefined && value !== false) return value;
    if (performance.now() > end) throw new Error(`waited ${limitMs / 1000} s in vain until ${what}`);
    await delay(20);
  }
}

export async function killProcess(pid: number): Promise<void> {
  process.kill(pid, 'SIGKILL');
  await until(`process ${pid} has ended`, () => !isAlive(pid));
}

export function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
