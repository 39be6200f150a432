import { killTree, signalTree } from './kill.ts';
import type { ProcessTree } from './process-tree.ts';
import type { Verdict } from './verdict.ts';

/** SIGKILL acts in milliseconds; a process that outlives it by this waits inside the kernel, and the guard reports it instead of waiting too. */
export const UNKILLABLE_MS = 10_000;

/** Carries out verdicts on one tree. The first one is the outcome; a later one can only make the end quicker. */
export class Ruling {
  verdict: Verdict | null = null;
  /** Resolves where the tree was killed and does not die. */
  readonly givenUp: Promise<null>;
  readonly #giveUp: (value: null) => void;
  readonly #tree: ProcessTree;
  readonly #graceMs: number;
  readonly #carrier: number | undefined;
  #failure: { error: unknown } | null = null;
  #graceTimer: NodeJS.Timeout | undefined;
  #unkillableTimer: NodeJS.Timeout | undefined;

  /** `carrier`: the process that carries the namespace of the others; SIGTERM for it would be SIGKILL for them. */
  constructor(tree: ProcessTree, graceMs: number, carrier?: number) {
    this.#tree = tree;
    this.#carrier = carrier;
    this.#graceMs = graceMs;
    const { promise, resolve } = Promise.withResolvers<null>();
    this.givenUp = promise;
    this.#giveUp = resolve;
  }

  rule(verdict: Verdict): void {
    const isFirst = this.verdict === null;
    this.verdict ??= verdict;
    if (!verdict.gentle) this.#kill();
    else if (isFirst) {
      signalTree(this.#tree, verdict.signal ?? 'SIGTERM', this.#carrier);
      this.#graceTimer = setTimeout(() => this.#kill(), this.#graceMs);
    }
  }

  /** The guard itself cannot go on: nothing runs unwatched. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.rule({ outcome: 'failed', reason: 'the guard failed', by: null, gentle: false });
  }

  /** Runs a caller's hook; an error of it ends the tree, and no hook is called after that. */
  call<T>(hook: ((value: T) => void) | undefined, value: T): void {
    if (this.#failure !== null) return;
    try {
      hook?.(value);
    } catch (error) {
      this.fail(error);
    }
  }

  /** The command has ended. */
  close(): void {
    clearTimeout(this.#graceTimer);
    clearTimeout(this.#unkillableTimer);
  }

  throwFailure(): void {
    if (this.#failure !== null) throw this.#failure.error;
  }

  #kill(): void {
    this.#unkillableTimer ??= setTimeout(() => this.#giveUp(null), UNKILLABLE_MS);
    killTree(this.#tree);
  }
}
