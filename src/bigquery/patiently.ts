/** Requests that meet the service's own trouble are made again, a few times, each after a longer wait. */
import { setTimeout as delay } from 'node:timers/promises';
import { BigQueryError, reasonOf, treatmentOf } from './error-reasons.ts';

/** Wait before the next look or try; doubles up to `longestMs`. */
export interface Pace {
  firstMs: number;
  longestMs: number;
}

export interface Patience {
  /** Aborted: its reason is thrown. */
  signal?: AbortSignal;
  pace?: Pace;
}

const PACE: Pace = { firstMs: 500, longestMs: 10_000 };
/** Requests that meet the service's own trouble, one after the other. */
const TRIES = 8;

/** Throws BigQueryError for what the service refuses, the signal's reason, and whatever else `ask` throws. */
export async function patiently<T>(what: string, patience: Patience, ask: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    patience.signal?.throwIfAborted();
    try {
      return await ask();
    } catch (error) {
      if (error instanceof BigQueryError) throw error;
      const reason = reasonOf(error);
      if (reason === null) throw error;
      if (treatmentOf(reason).remedy !== 'again' || attempt + 1 >= TRIES)
        throw new BigQueryError(what, reason, (error as Error).message, { cause: error });
      await pause(patience, attempt);
    }
  }
}

/** The wait of that `round`, counted from 0. */
export async function pause({ signal, pace = PACE }: Patience, round: number): Promise<void> {
  const ms = Math.min(pace.firstMs * 2 ** round, pace.longestMs);
  await delay(ms, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
  signal?.throwIfAborted();
}

/** What `ask` gives, or null where the service has no such thing. */
export async function unlessMissing<T>(what: string, patience: Patience, ask: () => Promise<T>): Promise<T | null> {
  try {
    return await patiently(what, patience, ask);
  } catch (error) {
    if (error instanceof BigQueryError && error.reason === 'notFound') return null;
    throw error;
  }
}
