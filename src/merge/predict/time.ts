/** How long a merge takes, verification included, roughly: two cores, a local disk, checkpoints in the page cache. */
import type { BackendName } from '../../contract.ts';
import { realignedShare, valuesOf, type PairShape } from './shape.ts';

/** Seconds. */
interface Pace {
  start: number;
  millionValues: number;
  thousandColumns: number;
  /** Added for each million values of files that are not aligned. */
  millionRewritten: number;
  /** Every row goes through the join of every file: a million values, and a thousand columns, for each file. */
  perFile?: { millionValues: number; thousandColumns: number };
}

const PACES = {
  local: { start: 0.5, millionValues: 0.017, thousandColumns: 0.1, millionRewritten: 0.08 },
  polars: { start: 0.6, millionValues: 0.2, thousandColumns: 0.4, millionRewritten: 0.15 },
  pandas: { start: 0.6, millionValues: 0.24, thousandColumns: 0.8, millionRewritten: 0.2 },
  dask: { start: 4, millionValues: 0.6, thousandColumns: 2.3, millionRewritten: 0.3 },
  duckdb: {
    ...{ start: 0.6, millionValues: 0.02, thousandColumns: 0, millionRewritten: 0 },
    perFile: { millionValues: 0.008, thousandColumns: 0.036 },
  },
} as const satisfies Partial<Record<BackendName, Pace>>;

/** Milliseconds; null where nothing is known of the engine. */
export function predictTimeMs(engine: BackendName, shape: PairShape): number | null {
  if (engine === 'bigquery' || engine === 'command') return null;
  const pace: Pace = PACES[engine];
  const { files, columns } = shape;
  const millions = valuesOf(shape) / 1e6;
  const thousands = columns / 1e3;
  const joins =
    pace.perFile === undefined
      ? 0
      : files * (millions * pace.perFile.millionValues + thousands * pace.perFile.thousandColumns);
  const seconds =
    pace.start +
    millions * (pace.millionValues + pace.millionRewritten * realignedShare(shape)) +
    thousands * pace.thousandColumns +
    joins;
  return Math.round(seconds * 1000);
}
