/**
 * The curves that are built in: what `node bench/engines.ts` was measured with, and the engines' own ways explain. Of the
 * whole process tree, verification included; doubles and integers, since text may be of any length.
 */
import type { BackendName } from '../../contract.ts';
import { realignedShare, valuesOf, type Machine, type PairShape } from './shape.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

/** A merge process that has nothing to merge. */
const BASE = 51 * MIB;
/** Of footers, plans and checksums, for each column chunk of the output. */
const PER_CHUNK = 5.4 * KIB;
/** Buffers of decoded pages, where every value is compared. */
const FULL_VERIFY = 20 * MIB;
/** DuckDB at work on one file, beside the file's values. */
const REWRITE_BASE = 35 * MIB;
/** DuckDB joins and sorts what it rewrites: copies of a file's values, decoded. */
const REWRITE_COPIES = 15;
/** DuckDB is given this much for it (align.ts); its Parquet writer takes more. */
const MOST_OF_A_REWRITE = 320 * MIB;
/** Of a double, a timestamp: what checkpoints are made of. */
const VALUE_BYTES = 8;
/** BigQuery's results are read back by slices of this size at most, twice held, beside runtime and client (bigquery/fetch.ts). */
const FETCH_SLICE = 256 * MIB;
const BESIDE_A_FETCH = 224 * MIB;

/** An engine that holds all columns at once. */
interface Line {
  base: number;
  perValue: number;
  perColumn: number;
  /** Added where no file is aligned. */
  perRewrittenValue: number;
}

const LINES = {
  duckdb: { base: 43 * MIB, perValue: 25, perColumn: 155 * KIB, perRewrittenValue: 0 },
  polars: { base: 81 * MIB, perValue: 8.6, perColumn: 14.6 * KIB, perRewrittenValue: 10 },
  pandas: { base: 119 * MIB, perValue: 13.3, perColumn: 2.3 * KIB, perRewrittenValue: 0 },
  dask: { base: 348 * MIB, perValue: 18.8, perColumn: 37 * KIB, perRewrittenValue: 0 },
} as const satisfies Partial<Record<BackendName, Line>>;

/** The peak of anonymous memory that a pair is expected to take, bytes; null where nothing is known of the engine. */
export function builtInPeakBytes(
  engine: BackendName,
  shape: PairShape,
  { memoryBytes }: Pick<Machine, 'memoryBytes'>,
): number | null {
  switch (engine) {
    case 'local':
      return stitchBytes(shape);
    case 'duckdb':
    case 'polars':
    case 'pandas':
    case 'dask':
      return lineBytes(LINES[engine], shape);
    case 'bigquery':
      return Math.min(memoryBytes, BESIDE_A_FETCH + 2 * Math.min(FETCH_SLICE, VALUE_BYTES * valuesOf(shape)));
    case 'command':
      return null;
  }
}

function stitchBytes({ files, columns, rows, rowGroups, realigned, verify }: PairShape): number {
  const footers = BASE + PER_CHUNK * columns * rowGroups + (verify === 'full' ? FULL_VERIFY : 0);
  if (realigned === 0) return footers;
  const fileBytes = (VALUE_BYTES * rows * columns) / files;
  return footers + REWRITE_BASE + Math.min(REWRITE_COPIES * fileBytes, MOST_OF_A_REWRITE);
}

const lineBytes = ({ base, perValue, perColumn, perRewrittenValue }: Line, shape: PairShape): number =>
  base + (perValue + perRewrittenValue * realignedShare(shape)) * valuesOf(shape) + perColumn * shape.columns;
