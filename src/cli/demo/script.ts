import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { RunStatus } from '../../client/read-status.ts';
import { signalPause, signalResume } from '../../client/signals.ts';
import type { Display } from '../terminal.ts';
import type { DemoScript, ScriptParts } from './play.ts';
import type { Stage } from './stage.ts';
import type { WorkerProcess } from './worker-process.ts';

/** How soon the killed worker is missed: sooner than in earnest, where a busy machine must not look like a dead one. */
export const DEMO_HEARTBEAT_TIMEOUT_MS = 8_000;
/** Merged in the middle of the run, and long enough to be interrupted: half of its files have to be aligned first. */
export const MISALIGNED_PAIR = 'EURJPY';
/** Pairs after which the run is paused. */
const PAUSE_AFTER = 4;
/** Long enough to be read. */
const HOLD_MS = 2_000;

type Act = 'opening' | 'pausing' | 'paused' | 'resumed' | 'killing' | 'finale';

/**
 * What happens to the demo's run: a pause and a resume by signal, then the worker killed in the middle of a merge and
 * started again.
 */
export class Script implements DemoScript {
  #act: Act = 'opening';
  readonly #client: Client;
  readonly #name: string;
  readonly #worker: WorkerProcess;
  readonly #display: Display;
  #doing: Promise<void> = Promise.resolve();
  readonly #fail: (error: unknown) => void;

  constructor({ client, stage, worker, display, fail }: ScriptParts<Stage>) {
    this.#client = client;
    this.#name = stage.config.name;
    this.#worker = worker;
    this.#display = display;
    this.#fail = fail;
  }

  get isOver(): boolean {
    return this.#act === 'finale';
  }

  watch(status: RunStatus): void {
    const { progress, live } = status;
    const settled = progress.pairs.filter(({ state }) => state === 'merged' || state === 'setAside').length;
    if (this.#act === 'opening' && settled >= PAUSE_AFTER) this.#do('pausing', () => this.#pause());
    if (this.#act === 'pausing' && progress.state === 'paused' && live.length === 0)
      this.#do('paused', () => this.#resume());
    if (this.#act === 'resumed') {
      const merging = progress.pairs.find(({ state }) => state === 'merging');
      const misaligned = progress.pairs.find(({ pair }) => pair === MISALIGNED_PAIR);
      const running = live.find(({ pair, heartbeat }) => pair === merging?.pair && heartbeat !== null);
      // The misaligned pair is the one with the longest merge; where it has slipped by, any other will do.
      const isTheOne = merging?.pair === MISALIGNED_PAIR || misaligned?.state === 'merged';
      if (merging !== undefined && running !== undefined && isTheOne)
        this.#do('killing', () => this.#killWorker(merging.pair));
    }
  }

  async end(): Promise<void> {
    await this.#doing;
  }

  #do(next: Act, action: () => Promise<void>): void {
    this.#act = next;
    this.#doing = action().catch((error: unknown) => this.#fail(error));
  }

  async #pause(): Promise<void> {
    this.#say('signal: pause (the running step ends first)');
    await signalPause(this.#client, this.#name);
  }

  async #resume(): Promise<void> {
    this.#say('paused: nothing runs now, and would not after a restart of everything');
    await delay(HOLD_MS);
    this.#say('signal: resume');
    await signalResume(this.#client, this.#name);
    this.#act = 'resumed';
  }

  async #killWorker(pair: string): Promise<void> {
    this.#say(`SIGKILL to the worker (pid ${this.#worker.pid ?? 0}) in the middle of merging ${pair}`);
    await this.#worker.kill();
    await delay(HOLD_MS);
    await this.#worker.start();
    this.#say(
      `the worker is started again (pid ${this.#worker.pid ?? 0}); ${pair} goes on when its lost attempt has been missed for ${DEMO_HEARTBEAT_TIMEOUT_MS / 1000} s`,
    );
    this.#act = 'finale';
  }

  #say(text: string): void {
    this.#display.line(`>>> ${text}`);
  }
}
