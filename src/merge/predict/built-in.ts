/**
 * The curves that are built in, of the whole process tree, verification included: fitted to what was measured on two cores with 20 to 600 files of 10 to
 * 50 columns of doubles and integers, 2,000 to 100,000 rows (`node bench/engines.ts` measures again). Long text takes more.
 */
import type { BackendName } from '../../contract.ts';
import { crewSize, isWorthAHelper } from '../crew/crew-size.ts';
import { realignedShare, valuesOf, type Machine, type PairShape } from './shape.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

/** A merge process that has nothing to merge. */
const BASE = 51 * MIB;
/** Of footers, plans and checksums, for each column chunk of the output. */
const PER_CHUNK = 5.3 * KIB;
/** Verification reads so many ranges at a time, at most so much, source and output; a range is a file's, or nearly. */
const READ_BUFFERS = 12;
const MOST_READ_BUFFERS = 20 * MIB;
/** A second thread that compares, with what it knows of the files ahead. */
const HELPER = 45 * MIB;
/** The crew that rewrites, or compares every value (merge/crew): what there is one of, the key column's DuckDB included. */
const REWRITE_BASE = 50 * MIB;
/** A thread of it: its runtime, and columns that wait to be collected, which are a file's values many times over, up to a point. */
const THREAD = 30 * MIB;
const WAITING_COPIES = 15;
const MOST_WAITING = 55 * MIB;
/** Of a double, a timestamp: what checkpoints are made of. */
const VALUE_BYTES = 8;
/** BigQuery's results are read back by slices of this size at most, twice held, beside runtime and client (bigquery/fetch.ts). */
const FETCH_SLICE = 256 * MIB;
const BESIDE_A_FETCH = 224 * MIB;

/** An engine that holds all columns at once; bytes. */
interface Line {
  base: number;
  perValue: number;
  perColumn: number;
}

/** Each join has vectors of its own for the columns of those before it, few of which are filled. */
const DUCKDB = { base: 89 * MIB, perValue: 26, perFile: 0.75 * MIB, perColumnAndFile: 1.07 * KIB };

/** Where all files are aligned, and where none is: each is then joined, or reindexed. */
const PYTHON = {
  polars: [
    { base: 83 * MIB, perValue: 8.5, perColumn: 14 * KIB },
    { base: 44 * MIB, perValue: 18.5, perColumn: 33 * KIB },
  ],
  pandas: [
    { base: 115 * MIB, perValue: 13, perColumn: 4 * KIB },
    { base: 132 * MIB, perValue: 9.7, perColumn: 4 * KIB },
  ],
  // Its workers are counted apart.
  dask: [
    { base: 80 * MIB, perValue: 17.8, perColumn: 58 * KIB },
    { base: 130 * MIB, perValue: 15.7, perColumn: 27 * KIB },
  ],
} as const satisfies Partial<Record<BackendName, readonly [Line, Line]>>;

/** engines/merge_dask.py: one worker a core, as far as each can have so much; what the others take is set aside first. */
const DASK_WORKER = 125 * MIB;
const DASK_LEAST = 2 * GIB;
const DASK_OWN = 300 * MIB;

/** The peak of anonymous memory that a pair is expected to take, bytes; null where nothing is known of the engine. */
export function builtInPeakBytes(engine: BackendName, shape: PairShape, machine: Machine): number | null {
  switch (engine) {
    case 'local':
      return stitchBytes(shape, machine);
    case 'duckdb':
      return joinBytes(shape);
    case 'polars':
    case 'pandas':
      return mixedBytes(engine, shape);
    case 'dask':
      return mixedBytes(engine, shape) + DASK_WORKER * daskWorkers(machine);
    case 'bigquery':
      return Math.min(machine.memoryBytes, BESIDE_A_FETCH + 2 * Math.min(FETCH_SLICE, VALUE_BYTES * valuesOf(shape)));
    case 'command':
      return null;
  }
}

function stitchBytes(shape: PairShape, { memoryBytes, cores }: Machine): number {
  const { files, columns, rows, rowGroups, realigned, verify, bytesIn } = shape;
  const footers = BASE + PER_CHUNK * columns * rowGroups;
  const reading = Math.min(MOST_READ_BUFFERS, (READ_BUFFERS * bytesIn) / files);
  const fileBytes = (VALUE_BYTES * rows * columns) / files;
  const thread = THREAD + Math.min(WAITING_COPIES * fileBytes, MOST_WAITING) + fileBytes;
  const crew = crewSize(memoryBytes, rows, cores) * thread;
  if (realigned > 0) return footers + REWRITE_BASE + crew;
  const helper = verify !== 'none' && isWorthAHelper(bytesIn) ? HELPER : 0;
  // The helper has gone before values are compared.
  return footers + reading + (verify === 'full' ? Math.max(crew, helper) : helper);
}

function mixedBytes(engine: keyof typeof PYTHON, shape: PairShape): number {
  const [aligned, rewritten] = PYTHON[engine];
  const share = realignedShare(shape);
  return (1 - share) * lineBytes(aligned, shape) + share * lineBytes(rewritten, shape);
}

const lineBytes = ({ base, perValue, perColumn }: Line, shape: PairShape): number =>
  base + perValue * valuesOf(shape) + perColumn * shape.columns;

function joinBytes(shape: PairShape): number {
  const { base, perValue, perFile, perColumnAndFile } = DUCKDB;
  const { files, columns } = shape;
  return base + perValue * valuesOf(shape) + perFile * files + perColumnAndFile * columns * files;
}

const daskWorkers = ({ cores, memoryBytes }: Machine): number =>
  Math.max(1, Math.min(cores, Math.floor((memoryBytes - DASK_OWN) / DASK_LEAST)));
