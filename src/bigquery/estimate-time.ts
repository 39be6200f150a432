/**
 * How long pairs take on BigQuery, one after the other, roughly: what goes over the wire at the speed of a link, the
 * queries, and what is done here with what comes back.
 *
 * Assumed, not measured on the service: the link and the time of a query. Measured on two cores (`node bench/run.ts`, and
 * the tests of reading back): the values that are written and verified in a second.
 */
import { MIB } from './limits.ts';

export interface TimeRange {
  fastMs: number;
  slowMs: number;
}

export interface TimeCounts {
  /** Of the checkpoints as they are on disk. */
  sentBytes: number;
  /** Of the merged columns in BigQuery's types. */
  readBytes: number;
  /** Columns times rows. */
  values: number;
  queries: number;
}

export const ASSUMED = {
  slowLink: 50 * MIB,
  fastLink: 250 * MIB,
  fastQueryMs: 60_000,
  slowQueryMs: 240_000,
} as const;
const WRITTEN_A_SECOND = 20e6;
const VERIFIED_A_SECOND = 8e6;

export function estimateTime({ sentBytes, readBytes, values, queries }: TimeCounts): TimeRange {
  const wireMs = (link: number): number => ((sentBytes + readBytes) / link) * 1000;
  const hereMs = (values / WRITTEN_A_SECOND + values / VERIFIED_A_SECOND) * 1000;
  return {
    fastMs: wireMs(ASSUMED.fastLink) + queries * ASSUMED.fastQueryMs + hereMs,
    slowMs: wireMs(ASSUMED.slowLink) + queries * ASSUMED.slowQueryMs + hereMs,
  };
}
