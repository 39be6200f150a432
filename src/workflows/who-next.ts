import type { BackendName, PairState } from '../contract.ts';
import type { PairProgress } from '../payloads.ts';

/** States of a pair that is on BigQuery: nothing of it runs on this machine. */
const AWAY: readonly PairState[] = ['staging', 'querying'];

/** BigQuery could not be had, and the pair waits for it. */
export function waitsForBigquery({ state, backend, failure }: PairProgress): boolean {
  return state === 'gated' && backend === 'bigquery' && failure === 'BackendUnavailable';
}

/**
 * Whether the next pair may begin beside those that are open: what runs on this machine does so for one pair at a time,
 * and at most `sideBySide` pairs are open while others of them are on BigQuery. The circuit breaker: while a pair waits for
 * BigQuery, none begins that would go there at once.
 */
export function mayBegin(open: readonly PairProgress[], firstBackend: BackendName, sideBySide: number): boolean {
  if (open.length === 0) return true;
  if (open.length >= sideBySide) return false;
  if (!open.every((pair) => AWAY.includes(pair.state) || waitsForBigquery(pair))) return false;
  return firstBackend !== 'bigquery' || !open.some(waitsForBigquery);
}
