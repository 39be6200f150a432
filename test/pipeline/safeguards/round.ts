/** One run of two pairs, in which the first one's merge meets a fault: what a scenario has at hand to make it. */
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readStatus } from '../../../src/client/read-status.ts';
import type { FailureFacts, PairProgress, RunConfig } from '../../../src/payloads.ts';
import { pythonPath } from '../../support/python-env.ts';
import { mountTmpfs } from '../../support/tmpfs.ts';
import { type Stage, until } from '../stage.ts';
import { completedActivities, failuresOf } from './history.ts';

export const VICTIM = 'EURUSD';
export const OTHER = 'USDJPY';
const FIXTURES = join(import.meta.dirname, '..', '..', 'fixtures');
const EXAMPLE = join(import.meta.dirname, '..', '..', '..', 'engines', 'example_command.py');

/** What the victim's engine does: the functions of test/fixtures/faulty_engine.py. */
export type EngineFault = 'eats' | 'grows' | 'parks' | 'works' | 'waits' | 'fills';

/** What is done before a run begins; gives what is to be done during it. */
export type Before = (round: Round, config: RunConfig) => Promise<() => Promise<void>>;

export class Round implements AsyncDisposable {
  readonly stage: Stage;
  readonly name: string;
  readonly output: string;
  /** Pids of the workers that had a part in it. */
  readonly workers: number[] = [];
  readonly #marks: string;
  #disk: AsyncDisposable | null = null;

  constructor(stage: Stage, name: string) {
    this.stage = stage;
    this.name = name;
    this.output = join(stage.folder, 'merged', name);
    this.#marks = join(stage.folder, 'marks', name);
    this.workers.push(stage.worker.pid!);
  }

  /** The run's own folders, and its configuration; `diskSize` puts the output on a disk of its own. */
  async prepare(engine: EngineFault, diskSize: string | null): Promise<Partial<RunConfig>> {
    await mkdir(this.output, { recursive: true });
    await mkdir(this.#marks, { recursive: true });
    if (diskSize !== null) {
      this.#disk = await mountTmpfs(this.output, `size=${diskSize}`);
      if (this.#disk === null) throw new Error('this user may not mount a tmpfs');
    }
    const script = join(FIXTURES, 'faulty_engine.py');
    const argv = [await pythonPath(), '-E', '-s', script, engine, VICTIM, this.#marks, EXAMPLE, '{plan}', '{out}'];
    return { name: this.name, output: this.output, command: { argv, dir: this.stage.folder } };
  }

  /** Pid of the victim's engine, once its `attempt`th fault has begun. */
  async engine(attempt = 1): Promise<number> {
    return until(`attempt ${attempt} of ${this.name} is at its fault`, () =>
      readdirSync(this.#marks).includes(`begun-${attempt}`) ? this.#findEngine() : null,
    );
  }

  /** Lets an engine that waits, and those after it, go on. */
  async go(): Promise<void> {
    await writeFile(join(this.#marks, 'go'), '');
  }

  async startWorker(worker = this.stage.worker): Promise<void> {
    await worker.start();
    this.workers.push(worker.pid!);
  }

  async published(): Promise<void> {
    await until(`${VICTIM} of ${this.name} is published`, () => readdirSync(this.output).includes(`${VICTIM}.parquet`));
  }

  /** Waits until the victim says what it waits for, and returns that. */
  async reason(pattern: RegExp): Promise<string> {
    return until(`${this.name} says ${pattern.source}`, async () => {
      // Not there as long as the run has not begun.
      const reason = await this.victim().then(
        (victim) => victim.reason,
        () => null,
      );
      return reason !== null && pattern.test(reason) ? reason : null;
    });
  }

  victim(): Promise<PairProgress> {
    return this.progress(VICTIM);
  }

  async progress(name: string): Promise<PairProgress> {
    const { pairs } = (await readStatus(this.stage.client, this.name)).progress;
    return pairs.find(({ pair }) => pair === name)!;
  }

  /** How often the pair was published, by its history. */
  async publications(pair: string): Promise<number> {
    const names = await completedActivities(this.stage.client, this.name, pair);
    return names.filter((name) => name === 'publishOutput').length;
  }

  failures(): Promise<FailureFacts[]> {
    return failuresOf(this.stage.client, this.name, VICTIM);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#disk?.[Symbol.asyncDispose]();
    await rm(this.output, { recursive: true });
    await rm(this.#marks, { recursive: true });
  }

  #findEngine(): number | null {
    for (const pid of readdirSync('/proc').map(Number).filter(Number.isSafeInteger))
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
        // Not what carries it, or becomes it, which have its words among their own.
        if (words[3]?.endsWith('faulty_engine.py') && words.includes(this.#marks)) return pid;
      } catch {
        continue; // It has just ended.
      }
    return null;
  }
}
