import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { childEnvironment } from '../../config/environment.ts';
import { CLI_ENTRY } from '../package-files.ts';

const STOP_GRACE_MS = 5_000;

/** The demo's `widemerge worker`, a process of its own that can be killed and started again. */
export class WorkerProcess implements AsyncDisposable {
  readonly logFile: string;
  readonly #address: string;
  readonly #folder: string;
  readonly #environment: Record<string, string>;
  #child: ChildProcess | null = null;

  constructor(folder: string, address: string, environment: Record<string, string> = {}) {
    this.#folder = folder;
    this.#environment = environment;
    this.#address = address;
    this.logFile = join(folder, 'worker.log');
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** True where it has ended though nobody has asked it to. */
  get isDead(): boolean {
    return this.#child !== null && (this.#child.exitCode !== null || this.#child.signalCode !== null);
  }

  async start(): Promise<void> {
    const log = openSync(this.logFile, 'a');
    // A group of its own: the terminal's Ctrl-C is for the demo, which then stops the worker.
    this.#child = spawn(process.execPath, [CLI_ENTRY, 'worker'], {
      detached: true,
      stdio: ['ignore', log, log],
      env: childEnvironment(
        {
          TEMPORAL_ADDRESS: this.#address,
          // A profile of the user's own must not lead the worker to another server.
          TEMPORAL_CONFIG_FILE: join(this.#folder, 'no-profile.toml'),
          WIDEMERGE_LOCK_FILE: join(this.#folder, 'machine.lock'),
          ...this.#environment,
        },
        'TEMPORAL_',
      ),
    });
    closeSync(log);
    // A demo that ends in an unforeseen way takes its worker along.
    const child = this.#child;
    const onExit = (): boolean => child.kill('SIGKILL');
    process.once('exit', onExit);
    child.once('exit', () => process.off('exit', onExit));
    await once(child, 'spawn');
  }

  /** SIGKILL: what a crash, or the kernel's out-of-memory killer, would do. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  /** SIGTERM, so that it drains, then SIGKILL. */
  async stop(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    const killer = setTimeout(() => child.kill('SIGKILL'), STOP_GRACE_MS);
    await ended;
    clearTimeout(killer);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
