/**
 * Faults that the proxy injects: either one by one, for tests of a single fault, or drawn by a seed, for many runs that
 * can be repeated. The draw depends only on the seed and on the sequence of requests.
 */
import type { ErrorReason } from './errors.ts';

/** What a request is for; `metadata` is all that is about datasets and tables, `object` about buckets and objects. */
export type RequestKind = 'insert' | 'poll' | 'results' | 'cancel' | 'metadata' | 'object';

export type Fault =
  /** An HTTP error, before the request has any effect, or after it had its effect in full. */
  | { fault: 'error'; when: 'before' | 'after'; reason: ErrorReason; status?: number }
  /** The connection is cut without an answer. */
  | { fault: 'cut'; when: 'before' | 'after' }
  /** Of `object`: the connection is cut after so many bytes of what is sent; whole 256 KiB of them stay. */
  | { fault: 'cut-upload'; afterBytes: number }
  /** 401, as with a token that has expired; nothing has happened. */
  | { fault: 'expired-token' }
  /** Of `insert`: the job stays RUNNING for so many polls, and has its effect only then. */
  | { fault: 'slow'; polls: number }
  /** Of `insert`: the job is accepted and ends with this error, without effect and uncharged. */
  | { fault: 'job-error'; reason: ErrorReason };

export interface PlannedFault {
  on: RequestKind;
  /** Only of those whose method and path begin so: `POST /upload` are jobs with their data. */
  of?: string;
  /** Such requests that pass before it; 0 where left out. */
  after?: number;
  fault: Fault;
}

export interface SeededFaults {
  /** 32-bit integer. */
  seed: number;
  /** Chance of a fault in a request, 0 to 1. */
  rate: number;
  /** At most so many in all; unlimited where left out. */
  limit?: number;
  /** What is drawn from; each with the requests it applies to. */
  choices: { on: RequestKind[]; fault: Fault }[];
}

export interface InjectedFault {
  on: RequestKind;
  /** Method and path of the request. */
  request: string;
  fault: Fault;
}

export interface FaultPlan {
  /** These come first, each once. */
  planned?: PlannedFault[];
  seeded?: SeededFaults;
}

export class Faults {
  /** All that were injected, in order. */
  readonly injected: InjectedFault[] = [];
  private planned: { on: RequestKind; of: string; left: number; fault: Fault }[] = [];
  private seeded: (SeededFaults & { random: () => number; count: number }) | null = null;

  /** Replaces what was planned. */
  plan(plan: FaultPlan): void {
    this.planned = (plan.planned ?? []).map(({ on, of = '', after = 0, fault }) => ({ on, of, left: after, fault }));
    this.seeded = plan.seeded ? { ...plan.seeded, random: mulberry32(plan.seeded.seed), count: 0 } : null;
  }

  /** The fault of this request, or null; each request is asked about once. */
  next(on: RequestKind, request: string): Fault | null {
    const fault = this.nextPlanned(on, request) ?? this.draw(on);
    if (fault !== null) this.injected.push({ on, request, fault });
    return fault;
  }

  private nextPlanned(on: RequestKind, request: string): Fault | null {
    const index = this.planned.findIndex((planned) => planned.on === on && request.startsWith(planned.of));
    const planned = this.planned[index];
    if (planned === undefined) return null;
    if (planned.left > 0) {
      planned.left--;
      return null;
    }
    this.planned.splice(index, 1);
    return planned.fault;
  }

  private draw(on: RequestKind): Fault | null {
    const seeded = this.seeded;
    if (seeded === null || seeded.count >= (seeded.limit ?? Infinity)) return null;
    const choices = seeded.choices.filter((choice) => choice.on.includes(on));
    // Both numbers are drawn in any case, so that what a request gets does not depend on the kinds before it.
    const [chance, which] = [seeded.random(), seeded.random()];
    if (chance >= seeded.rate || choices.length === 0) return null;
    seeded.count++;
    return choices[Math.floor(which * choices.length)]!.fault;
  }
}

/** A small generator with a period of 2^32 (mulberry32, public domain). */
export function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
