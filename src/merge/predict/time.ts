import type { BackendName } from '../../contract.ts';
import { realignedShare, valuesOf, type PairShape } from './shape.ts';

/** Seconds of a whole merge, verification included: two cores, a local disk, data in the page cache. */
interface Pace {
  start: number;
  millionValues: number;
  thousandColumns: number;
  /** For each file that is rewritten, and each million of its values. */
  rewrittenFile: number;
  rewrittenMillion: number;
}

const PACES: Partial<Record<BackendName, Pace>> = {
  local: { start: 0.4, millionValues: 0.017, thousandColumns: 0.07, rewrittenFile: 0.05, rewrittenMillion: 0.1 },
  duckdb: { start: 0.7, millionValues: 0.35, thousandColumns: 1, rewrittenFile: 0, rewrittenMillion: 0 },
  polars: { start: 0.6, millionValues: 0.18, thousandColumns: 0.4, rewrittenFile: 0.03, rewrittenMillion: 0.1 },
  pandas: { start: 0.6, millionValues: 0.21, thousandColumns: 0.7, rewrittenFile: 0.01, rewrittenMillion: 0.1 },
  dask: { start: 3.5, millionValues: 0.53, thousandColumns: 2.2, rewrittenFile: 0, rewrittenMillion: 0 },
};

/** A rough time on the machine that this was measured on; null where nothing is known of the engine. */
export function predictTimeMs(engine: BackendName, shape: PairShape): number | null {
  const pace = PACES[engine];
  if (pace === undefined) return null;
  const millions = valuesOf(shape) / 1e6;
  const rewritten = shape.realigned * pace.rewrittenFile + millions * realignedShare(shape) * pace.rewrittenMillion;
  const seconds = pace.start + millions * pace.millionValues + (shape.columns / 1e3) * pace.thousandColumns + rewritten;
  return Math.round(seconds * 1000);
}
