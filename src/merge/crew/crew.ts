/**
 * A crew: threads of the merge process that do what keeps a processor busy, as many as there are processors and memory for.
 * Threads end with their process, and its limit of memory counts them. What a task gives does not depend on who does it.
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { THREAD_ENTRY } from '../entries.ts';
import { MergeFailure } from '../errors.ts';
import type { TaskInput, TaskName, TaskOutput } from './tasks.ts';
import { unpackError, type SentError } from './transport.ts';

type OnBytes = (bytes: number) => void;

export interface Crew extends AsyncDisposable {
  /** Tasks that are done at the same time. */
  size: number;
  /**
   * Does a task when its turn comes; `onBytes` hears of what it has dealt with. Throws what it throws, and the reason of the signal once
   * that is aborted.
   */
  run<N extends TaskName>(name: N, input: TaskInput<N>, onBytes?: OnBytes): Promise<TaskOutput<N>>;
  /** Ends the threads, whatever they are at; tasks that are not done never end. */
  close(): Promise<void>;
}

/** Makes threads as they are needed. A crew of one is this thread itself. */
export function openCrew(size: number, signal?: AbortSignal): Crew {
  return size <= 1 ? new OnlyMe(signal) : new Threads(size, signal);
}

/**
 * One thread beside this one, which goes on with what needs its memory; null where there is no other processor. It is made at once. It is
 * given tasks before it has done the last one: this thread may be busy when it asks.
 */
export function openHelper(signal?: AbortSignal): Crew | null {
  return availableParallelism() > 1 ? new Threads(1, signal, true) : null;
}

class OnlyMe implements Crew {
  readonly size = 1;
  private readonly signal: AbortSignal | undefined;
  private last: Promise<unknown> = Promise.resolve();

  constructor(signal: AbortSignal | undefined) {
    this.signal = signal;
  }

  run<N extends TaskName>(name: N, input: TaskInput<N>, onBytes: OnBytes = () => undefined): Promise<TaskOutput<N>> {
    // One after the other: each awaits its reads, and two would hold the memory of two.
    const turn = this.last.then(async () => {
      this.signal?.throwIfAborted();
      const { TASKS } = await import('./tasks.ts');
      return TASKS[name](input as TaskInput<never>, { signal: this.signal, onBytes });
    }) as Promise<TaskOutput<N>>;
    this.last = turn.catch(() => undefined);
    return turn;
  }

  async close(): Promise<void> {
    await this.last;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

interface Job {
  message: { name: TaskName; input: unknown };
  onBytes: OnBytes;
  resolve: (output: never) => void;
  reject: (error: unknown) => void;
}

class Threads implements Crew {
  readonly size: number;
  private readonly signal: AbortSignal | undefined;
  private readonly isFed: boolean;
  private readonly waiting: Job[] = [];
  /** What each was given and has not done, in the order in which it does it. */
  private readonly given = new Map<Worker, Job[]>();
  private closed = false;

  /** `isFed`: made at once, and given tasks while it is at others. */
  constructor(size: number, signal: AbortSignal | undefined, isFed = false) {
    this.size = size;
    this.signal = signal;
    this.isFed = isFed;
    signal?.addEventListener('abort', this.abort, { once: true });
    if (isFed) this.hire();
  }

  run<N extends TaskName>(name: N, input: TaskInput<N>, onBytes: OnBytes = () => undefined): Promise<TaskOutput<N>> {
    return new Promise((resolve, reject) => {
      if (this.signal?.aborted === true || this.closed) {
        reject((this.signal?.reason as Error | undefined) ?? new Error('the crew has been sent home'));
        return;
      }
      this.waiting.push({ message: { name, input }, onBytes, resolve, reject });
      this.next();
    });
  }

  async close(): Promise<void> {
    this.closed = true;
    this.signal?.removeEventListener('abort', this.abort);
    this.waiting.length = 0;
    await Promise.all([...this.given.keys()].map((worker) => worker.terminate()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private readonly abort = (): void => {
    const jobs = [...this.waiting.splice(0), ...[...this.given.values()].flat()];
    void this.close();
    for (const job of jobs) job.reject(this.signal!.reason);
  };

  private next(): void {
    while (!this.closed && this.waiting.length > 0) {
      const worker = this.leastBusy();
      if (worker === undefined) return;
      const job = this.waiting.shift()!;
      this.given.get(worker)!.push(job);
      worker.postMessage(job.message);
    }
  }

  /** One that has nothing to do, else a new one, else one that may be given more. */
  private leastBusy(): Worker | undefined {
    const byLoad = [...this.given].sort(([, a], [, b]) => a.length - b.length);
    const [worker, jobs] = byLoad[0] ?? [undefined, []];
    if (worker !== undefined && jobs.length === 0) return worker;
    if (this.given.size < this.size) return this.hire();
    return this.isFed ? worker : undefined;
  }

  private hire(): Worker {
    // Much of what a task makes is garbage at once: a small young generation keeps it from piling up.
    const worker = new Worker(THREAD_ENTRY, { resourceLimits: { maxYoungGenerationSizeMb: 12 } });
    this.given.set(worker, []);
    worker.on('message', ({ bytes, output, error }: { bytes?: number; output?: never; error?: SentError }) => {
      const jobs = this.given.get(worker) ?? [];
      if (bytes !== undefined) {
        jobs[0]?.onBytes(bytes);
        return;
      }
      const job = jobs.shift();
      if (error === undefined) job?.resolve(output as never);
      else job?.reject(unpackError(error));
      this.next();
    });
    // Only what is not a task's own error ends a thread, at work or idle.
    const lose = (error: Error): void => {
      const jobs = this.given.get(worker) ?? [];
      this.given.delete(worker);
      for (const job of jobs) job.reject(error);
      // Where only a message was lost: what it was given beside is nobody's any more.
      void worker.terminate();
      this.next();
    };
    worker.on('error', (error: NodeJS.ErrnoException) =>
      lose(error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? outOfMemory(error) : error),
    );
    worker.on('messageerror', lose);
    worker.on('exit', (code) => {
      if (!this.closed && this.given.has(worker)) lose(new Error(`a thread of the merge ended with ${code}`));
    });
    return worker;
  }
}

const outOfMemory = (cause: Error): MergeFailure =>
  new MergeFailure('MemoryExhausted', `a thread of the merge ran out of memory: ${cause.message}`, {}, { cause });
