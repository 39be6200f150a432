/**
 * Vertical partitions: a pair's columns, in order, cut into tables that BigQuery accepts. Each is one query, which joins the
 * spine with the staging tables of its checkpoints, and one result: the rows' position, then the columns.
 *
 * A checkpoint is cut only where it does not fit a partition of its own: its key is read, and its smallest bill paid, once.
 */
import type { BigqueryConfig } from '../payloads.ts';
import { leavesTables } from './leaves-tables.ts';
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
export function limitsOf(config: Pick<BigqueryConfig, 'partitionColumns' | 'output'>): PartitionLimits {
  const { partitionColumns = PARTITION_LIMITS.columns } = config;
  // The key is a column, too, where it is there.
  return { ...PARTITION_LIMITS, columns: leavesTables(config) ? Math.max(2, partitionColumns - 1) : partitionColumns };
}

/** `, t123.c456 AS c1234567`, and some room. */
const COLUMN_TEXT_BYTES = 40;
/** Its LEFT JOIN with a name of project and dataset in full. */
const TABLE_TEXT_BYTES = 256;
/** SELECT, the spine, and the longest names that those may have. */
const FRAME_TEXT_BYTES = 8 * 1024;
const POSITION_BYTES = 8;
/** Of a view: SELECT, its key, FROM and the longest names that those may have. */
const VIEW_FRAME_BYTES = 4 * 1024;

/**
 * Cuts a pair. `files[i]` are the bytes that a value of each of its columns (the key not counted) has on average. As few partitions
 * as whole checkpoints allow, and the columns spread evenly over them. A column that is too wide by itself gets a
 * partition of its own. On `resourcesExceeded` the caller asks again with half the `columns` in `limits`. `viewTexts[i]` are the
 * bytes of each column in the text of a view over the partition, where there is to be one.
 */
export function planPartitions(
  files: readonly (readonly number[])[],
  limits = PARTITION_LIMITS,
  viewTexts: ViewTexts = null,
): Partition[] {
  if (limits.columns < 2 || limits.tables < 2)
    throw new RangeError('a partition holds the position and a column, and its query names the spine and a table');
  const fewest = cut(files, limits, viewTexts);
  // The narrowest bound that needs no more partitions: equal ones ask least of BigQuery's memory.
  let low = 2;
  let high = limits.columns;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (cut(files, { ...limits, columns: middle }, viewTexts).length > fewest.length) low = middle + 1;
    else high = middle;
  }
  return cut(files, { ...limits, columns: high }, viewTexts);
}

type ViewTexts = readonly (readonly number[])[] | null;

function cut(files: readonly (readonly number[])[], limits: PartitionLimits, viewTexts: ViewTexts): Partition[] {
  const partitions: Open[] = [];
  let open: Open | null = null;
  for (const [file, widths] of files.entries()) {
    if (widths.length === 0) continue;
    const columns = { file, widths, texts: viewTexts?.[file] ?? null };
    if (open !== null && add(open, columns, 0, limits) === widths.length) continue;
    for (let first = 0; first < widths.length;) {
      open = { slices: [], columns: 0, rowBytes: POSITION_BYTES, viewBytes: VIEW_FRAME_BYTES };
      partitions.push(open);
      first += add(open, columns, first, limits, true);
    }
  }
  return partitions.map(({ slices, columns, rowBytes }) => ({ slices, columns, rowBytes }));
}

/** While it is filled. */
interface Open extends Partition {
  viewBytes: number;
}

interface FileColumns {
  file: number;
  widths: readonly number[];
  texts: readonly number[] | null;
}

/** Adds the columns of a file from `first` on, as many as fit where it may be cut, else all or none; returns how many. */
function add(
  partition: Open,
  { file, widths, texts }: FileColumns,
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
  let { rowBytes, viewBytes } = partition;
  const take = (): void => {
    rowBytes += widths[first + count]!;
    viewBytes += texts?.[first + count] ?? 0;
    count++;
  };
  const fits = (): boolean =>
    rowBytes + widths[first + count]! <= limits.rowBytes &&
    viewBytes + (texts?.[first + count] ?? 0) <= limits.viewBytes;
  while (count < most && fits()) take();
  if (mayCut && count === 0) take();
  if (count === 0 || (!mayCut && first + count < widths.length)) return 0;
  partition.slices.push({ file, first, count });
  partition.columns += count;
  partition.rowBytes = rowBytes;
  partition.viewBytes = viewBytes;
  return count;
}
