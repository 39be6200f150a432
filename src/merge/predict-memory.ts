import type { BackendName, VerifyMode } from '../contract.ts';

/** What a pair's peak of memory follows from. */
export interface PairShape {
  files: number;
  /** Of the output, the key included. */
  columns: number;
  rows: number;
  rowGroups: number;
  /** Files that are rewritten first. */
  realigned: number;
  verify: VerifyMode;
}

const KIB = 1024;
const MIB = 1024 * KIB;

/** A merge process that has nothing to merge. */
const BASE = 54 * MIB;
/** Of footers, plans and checksums, for each column chunk of the output. */
const PER_CHUNK = 5.2 * KIB;
/** Buffers of decoded pages, where every value is compared. */
const FULL_VERIFY = 20 * MIB;
/** DuckDB at work on one file, beside the file's values. */
const REWRITE_BASE = 35 * MIB;
/** DuckDB joins and sorts what it rewrites: copies of a file's values, decoded. */
const REWRITE_COPIES = 15;
/** DuckDB is given this much for it (align.ts); its Parquet writer takes more. */
const MOST_OF_A_REWRITE = 320 * MIB;
/** What DuckDB holds of a value of the whole join, and of each column beside. */
const JOIN_COPIES = 3;
const JOIN_PER_COLUMN = 137 * KIB;
/** Of a double, a timestamp: what checkpoints are made of. */
const VALUE_BYTES = 8;

/**
 * The peak of anonymous memory that a pair is expected to take on a backend, bytes; null where nothing is known of it. Measured with
 * 10 to 668 files of 26 double columns and 2,000 to 20,000 rows (Node 24, DuckDB 1.5): `local` within a quarter, `duckdb` within
 * a third above 100 MiB.
 */
export function predictPeakBytes(backend: BackendName, shape: PairShape): number | null {
  if (backend === 'local') return Math.round(predictStitch(shape));
  if (backend === 'duckdb') return Math.round(predictJoin(shape));
  return null;
}

function predictStitch({ files, columns, rows, rowGroups, realigned, verify }: PairShape): number {
  const footers = BASE + PER_CHUNK * columns * rowGroups + (verify === 'full' ? FULL_VERIFY : 0);
  if (realigned === 0) return footers;
  const fileBytes = (VALUE_BYTES * rows * columns) / files;
  return footers + REWRITE_BASE + Math.min(REWRITE_COPIES * fileBytes, MOST_OF_A_REWRITE);
}

function predictJoin({ columns, rows }: PairShape): number {
  return BASE + JOIN_COPIES * VALUE_BYTES * rows * columns + JOIN_PER_COLUMN * columns;
}
