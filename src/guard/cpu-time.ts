import koffi from 'koffi';

import type { Work } from './stall.ts';

/** getrusage(2), which Node offers for this process alone. */
const getrusage = koffi.load(null).func('int getrusage(int who, _Out_ int64_t *usage)') as (
  who: number,
  usage: BigInt64Array,
) => number;

const RUSAGE_CHILDREN = -1;
/** Two times of day come first in struct rusage, of two longs each; the whole of it has 18. */
const WORDS = 18;

/** CPU time of all children of this process that have ended, and of theirs that they waited for; ms. */
export function endedChildrenCpuMs(): number {
  const usage = new BigInt64Array(WORDS);
  if (getrusage(RUSAGE_CHILDREN, usage) !== 0) return 0;
  const [seconds = 0n, micros = 0n, systemSeconds = 0n, systemMicros = 0n] = usage;
  return Number(seconds + systemSeconds) * 1000 + Number(micros + systemMicros) / 1000;
}

/** CPU time of a tree as it was sampled; what a process did after its last sample is missing. */
export class CpuMeter {
  #endedMs = 0;
  #last = new Map<string, number>();

  get totalMs(): number {
    return [...this.#last.values()].reduce((sum, ms) => sum + ms, this.#endedMs);
  }

  update(works: Work[]): void {
    const now = new Map(works.map(({ pid, startTicks, cpuMs }) => [`${pid}:${startTicks}`, cpuMs]));
    for (const [name, ms] of this.#last) if (!now.has(name)) this.#endedMs += ms;
    this.#last = now;
  }
}
