import { setTimeout as delay } from 'node:timers/promises';

/** What a guard's timeout and its look-out for stalls go by. A test gives one of its own, to have hours pass in minutes. */
export interface GuardClock {
  /** Monotonic, ms. */
  now(): number;
  /** Waits between two samples: about so many ms of this clock, less where `stopped` is aborted meanwhile. */
  pause(ms: number, stopped: AbortSignal): Promise<void>;
}

export const MONOTONIC: GuardClock = {
  now: () => performance.now(),
  pause: (ms, stopped) => delay(ms, undefined, { signal: stopped }).catch(() => undefined),
};

/** Machines whose clock has lost its battery begin in 1970 or 2000: certificates, tokens and timers fail there in strange ways. */
export const EARLIEST_SANE_MS = Date.UTC(2020, 0, 1);

/** Less is what a time service corrects while it runs. */
export const WORTH_TELLING_MS = 60_000;

/**
 * Notices that the wall clock was set, by the monotonic clock beside it. No limit of this project goes by the wall clock; Temporal's
 * timers, tokens and certificates of others do.
 */
export class ClockWatch {
  #offsetMs: number | null = null;

  /** How far the wall clock has moved against the monotonic one since the last look, ms; 0 at the first. A machine that slept moves forward. */
  look(wallMs: number = Date.now(), monotonicMs: number = performance.now()): number {
    const offsetMs = wallMs - monotonicMs;
    const stepMs = this.#offsetMs === null ? 0 : offsetMs - this.#offsetMs;
    this.#offsetMs = offsetMs;
    return Math.round(stepMs);
  }
}
