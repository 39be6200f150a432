/** A gap between two samples says that the guard itself was held up (a suspended machine): only this much of it counts. */
const LONGEST_GAP_MS = 1000;
/** A deadlocked runtime still runs its timers: below 1 % of a core it makes no progress. */
const LEAST_CPU_SHARE = 0.01;
const LEAST_CPU_MS = 20;
/** The same for the bytes that wake-ups and log lines move. */
const LEAST_BYTES_PER_MS = 1;
const LEAST_BYTES = 4096;

/** Running totals of a process; its start tells it from a later one with the same pid. */
export interface Work {
  pid: number;
  startTicks: number;
  cpuMs: number;
  ioBytes: number;
}

/** Measures for how long a tree has made no progress: no new message, hardly any CPU time, hardly any bytes read or written. */
export class StallMeter {
  #idleMs = 0;
  #lastMs: number;
  #lastMessages = 0;
  #cpuMs = 0;
  #ioBytes = 0;
  #totals = new Map<string, Work>();

  constructor(nowMs: number) {
    this.#lastMs = nowMs;
  }

  /** Milliseconds without progress. `messages` counts the distinct messages so far; `nowMs` is of a monotonic clock. */
  update(nowMs: number, messages: number, works: Work[]): number {
    this.#idleMs += Math.min(nowMs - this.#lastMs, LONGEST_GAP_MS);
    this.#lastMs = nowMs;
    const totals = new Map(works.map((work) => [`${work.pid}:${work.startTicks}`, work]));
    for (const [name, work] of totals) {
      const before = this.#totals.get(name);
      this.#cpuMs += work.cpuMs - (before?.cpuMs ?? 0);
      this.#ioBytes += Math.max(0, work.ioBytes - (before?.ioBytes ?? 0));
    }
    this.#totals = totals;
    if (
      messages > this.#lastMessages ||
      this.#cpuMs >= Math.max(LEAST_CPU_MS, LEAST_CPU_SHARE * this.#idleMs) ||
      this.#ioBytes >= Math.max(LEAST_BYTES, LEAST_BYTES_PER_MS * this.#idleMs)
    ) {
      this.#lastMessages = messages;
      this.#idleMs = 0;
      this.#cpuMs = 0;
      this.#ioBytes = 0;
    }
    return this.#idleMs;
  }
}
