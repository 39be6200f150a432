import type { BackendName } from '../../contract.ts';
import { valuesOf, type PairShape } from './shape.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

/** DuckDB's share of a merge's limit (duckdb-join.ts). */
const SHARE = 0.75;
/** A vector and its selection, of both threads: each join has them for every column of the joins before it. */
const PER_COLUMN_AND_FILE = 22 * KIB;
const VALUE_BYTES = 8;
const BASE = 200 * MIB;

/**
 * The least limit of memory under which an engine is expected to merge a pair, bytes. It is above the peak where the engine
 * itself counts more than it fills: DuckDB ends at its own limit for vectors that it has only reserved, and these grow with the square of the files.
 */
export function leastLimitBytes(engine: BackendName, shape: PairShape, peakBytes: number): number {
  if (engine !== 'duckdb') return peakBytes;
  const counted = BASE + PER_COLUMN_AND_FILE * shape.columns * shape.files + VALUE_BYTES * valuesOf(shape);
  return Math.max(peakBytes, Math.round(counted / SHARE));
}
