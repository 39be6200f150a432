/**
 * Vertical partitions: a pair's columns, in order, cut into tables that BigQuery accepts. Each is one query, which joins the
 * spine with the staging tables of its checkpoints, and one result: the rows' position, then the columns.
 *
 * A checkpoint is cut only where it does not fit a partition of its own: its key is read, and its smallest bill paid, once.
 */
import type { BigqueryConfig } from '../contract.ts';
import { PARTITION_LIMITS, type PartitionLimits } from './limits.ts';

/** Columns of one checkpoint in a partition: `count` of them from `first` on, the key not counted. */
export interface PartitionSlice {
  file: number;
  first: number;
  count: number;
}

export interface Partition {
  slices: PartitionSlice[];
  /** Without the position. */
  columns: number;
  /** Of a row, the position included. */
  rowBytes: number;
}

/** As the run has them: whoever plans and whoever queries cut alike. */
export const limitsOf = ({ partitionColumns }: Pick<BigqueryConfig, 'partitionColumns'>): PartitionLimits => ({
  ...PARTITION_LIMITS,
  columns: partitionColumns ?? PARTITION_LIMITS.columns,
});

/** `, t123.c456 AS c1234567`, and some room. */
const COLUMN_TEXT_BYTES = 40;
/** Its LEFT JOIN with a name of project and dataset in full. */
const TABLE_TEXT_BYTES = 256;
/** SELECT, the spine, and the longest names that those may have. */
const FRAME_TEXT_BYTES = 8 * 1024;
const POSITION_BYTES = 8;

/**
 * Cuts a pair. `files[i]` are the bytes that a value of each of its columns (the key not counted) has on average. As few partitions
 * as whole checkpoints allow, and the columns spread evenly over them. A column that is too wide by itself gets a
 * partition of its own. On `resourcesExceeded` the caller asks again with half the `columns` in `limits`.
 */
export function planPartitions(files: readonly (readonly number[])[], limits = PARTITION_LIMITS): Partition[] {
  if (limits.columns < 2 || limits.tables < 2)
    throw new RangeError('a partition holds the position and a column, and its query names the spine and a table');
  const fewest = cut(files, limits);
  // The narrowest bound that needs no more partitions: equal ones ask least of BigQuery's memory.
  let low = 2;
  let high = limits.columns;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (cut(files, { ...limits, columns: middle }).length > fewest.length) low = middle + 1;
    else high = middle;
  }
  return cut(files, { ...limits, columns: high });
}

function cut(files: readonly (readonly number[])[], limits: PartitionLimits): Partition[] {
  const partitions: Partition[] = [];
  let open: Partition | null = null;
  for (const [file, widths] of files.entries()) {
    if (widths.length === 0) continue;
    if (open !== null && add(open, file, widths, 0, limits) === widths.length) continue;
    for (let first = 0; first < widths.length;) {
      open = { slices: [], columns: 0, rowBytes: POSITION_BYTES };
      partitions.push(open);
      first += add(open, file, widths, first, limits, true);
    }
  }
  return partitions;
}

/** Adds the columns of a file from `first` on, as many as fit where it may be cut, else all or none; returns how many. */
function add(
  partition: Partition,
  file: number,
  widths: readonly number[],
  first: number,
  limits: PartitionLimits,
  mayCut = false,
): number {
  const tables = partition.slices.length + 2;
  const textLeft = limits.queryBytes - FRAME_TEXT_BYTES - tables * TABLE_TEXT_BYTES;
  const most = Math.min(
    widths.length - first,
    limits.columns - 1 - partition.columns,
    Math.floor(textLeft / COLUMN_TEXT_BYTES) - partition.columns,
    tables > limits.tables ? 0 : Infinity,
  );
  let count = 0;
  let rowBytes = partition.rowBytes;
  while (count < most && rowBytes + widths[first + count]! <= limits.rowBytes) rowBytes += widths[first + count++]!;
  if (mayCut && count === 0) rowBytes += widths[first + count++]!;
  if (count === 0 || (!mayCut && first + count < widths.length)) return 0;
  partition.slices.push({ file, first, count });
  partition.columns += count;
  partition.rowBytes = rowBytes;
  return count;
}
