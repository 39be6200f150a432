import { MONOTONIC, type GuardClock } from '../../../src/guard/clock.ts';

const PAUSE_MS = 1;

/** By how much the clock goes on with a pause. Of a longer one no more than a second would count as a stall: the guard was held up itself. */
export const STEPS_MS = { stalled: 900, 'timed-out': 10_000 };

/**
 * The machine's clock until hurry() is called; from then on each pause between two samples takes a millisecond and counts as seconds. All else is real: the
 * processes, what is read of them, the limits of half an hour.
 */
export class HurriedClock implements GuardClock {
  readonly #startedMs = performance.now();
  #aheadMs = 0;
  #stepMs = 0;

  /** The command is about its fault. Before, a busy machine could be given no time to start it. */
  hurry(stepMs: number): void {
    this.#stepMs = stepMs;
  }

  now(): number {
    return performance.now() + this.#aheadMs;
  }

  /** Since this clock was made, ms. */
  get passedMs(): number {
    return this.now() - this.#startedMs;
  }

  async pause(ms: number, stopped: AbortSignal): Promise<void> {
    await MONOTONIC.pause(this.#stepMs > 0 ? PAUSE_MS : ms, stopped);
    this.#aheadMs += this.#stepMs;
  }
}
