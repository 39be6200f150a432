/**
 * Requests that meet the service's own trouble are made again, a few times, each after a longer wait. The client waits for
 * an answer without end: here a silence has a limit, and counts as the service's trouble.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { BigQueryError, reasonOf, treatmentOf } from './error-reasons.ts';

/** Wait before the next look or try; doubles up to `longestMs`. */
export interface Pace {
  firstMs: number;
  longestMs: number;
  /** The longest silence of a request, before its answer or between two signs of life; two minutes where left out. */
  answerMs?: number;
}

export interface Patience {
  /** Aborted: its reason is thrown at once; a request under way goes on, and nobody waits for it. */
  signal?: AbortSignal;
  pace?: Pace;
}

const PACE: Pace = { firstMs: 500, longestMs: 10_000 };
/** The service answers within seconds, or with an error of its own within a minute. */
const ANSWER_MS = 120_000;
/** The same where an operator waits for it. */
const LAST_ANSWER_MS = 10_000;
/** Requests that meet the service's own trouble, one after the other. */
const TRIES = 8;

/** Of a request that may be long under way, as an upload is. */
export interface Waiting {
  /** To be called as often as it moves: only a silence has a limit. */
  moves: () => void;
  /** Aborted when nobody waits for the answer any more. */
  signal: AbortSignal;
}

export type Ask<T> = (waiting: Waiting) => Promise<T>;

/** Throws BigQueryError for what the service refuses, the signal's reason, and whatever else `ask` throws. */
export async function patiently<T>(what: string, patience: Patience, ask: Ask<T>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    patience.signal?.throwIfAborted();
    try {
      return await answerOf(ask, patience);
    } catch (error) {
      patience.signal?.throwIfAborted();
      if (error instanceof BigQueryError) throw error;
      const reason = reasonOf(error);
      if (reason === null) throw error;
      if (treatmentOf(reason).remedy !== 'again' || attempt + 1 >= TRIES)
        throw new BigQueryError(what, reason, (error as Error).message, { cause: error });
      await pause(patience, attempt);
    }
  }
}

function answerOf<T>(ask: Ask<T>, { signal, pace }: Patience): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const limitMs = pace?.answerMs ?? ANSWER_MS;
  const waiting = new AbortController();
  const giveUp = (reason: unknown): void => {
    reject(reason);
    waiting.abort(reason);
  };
  const silence = Object.assign(new Error(`no answer within ${limitMs / 1000} s`), { errors: [{ reason: 'timeout' }] });
  let timer: NodeJS.Timeout | null = setTimeout(giveUp, limitMs, silence);
  const moves = (): void => {
    if (timer === null) return;
    clearTimeout(timer);
    timer = setTimeout(giveUp, limitMs, silence);
  };
  const abort = (): void => giveUp(signal?.reason);
  signal?.addEventListener('abort', abort);
  ask({ moves, signal: waiting.signal }).then(resolve, reject);
  return promise.finally(() => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    signal?.removeEventListener('abort', abort);
  });
}

/** The wait of that `round`, counted from 0. */
export async function pause({ signal, pace = PACE }: Patience, round: number): Promise<void> {
  const ms = Math.min(pace.firstMs * 2 ** round, pace.longestMs);
  await delay(ms, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
  signal?.throwIfAborted();
}

/** An aborted signal ends every wait at once: what is still to be asked is asked without it, and without much patience. */
export function hurried({ pace = PACE }: Patience): Patience {
  return { pace: { ...pace, answerMs: Math.min(pace.answerMs ?? Infinity, LAST_ANSWER_MS) } };
}

/** What `ask` gives, or null where the service has no such thing. */
export async function unlessMissing<T>(what: string, patience: Patience, ask: Ask<T>): Promise<T | null> {
  try {
    return await patiently(what, patience, ask);
  } catch (error) {
    if (error instanceof BigQueryError && error.reason === 'notFound') return null;
    throw error;
  }
}
