/**
 * How the tables of a pair are read back: in slices of columns that fit the memory, each one read session. A slice is made
 * of ranges, columns of one checkpoint that become one part for each row group of the output.
 */
import { MergeFailure } from '../merge/errors.ts';
import { codecOf } from '../merge/parquet/physical-view.ts';
import type { Column } from '../merge/parquet/schema.ts';
import type { MergePlan } from '../merge/plan.ts';
import type { Staging } from '../merge/staging.ts';
import type { MergedPart } from './merged-parts.ts';
import { columnBytes } from './read-columns.ts';

export interface FetchRange {
  /** Index of the checkpoint in plan and staging. */
  file: number;
  /** Index of its first column in the checkpoint. */
  first: number;
  columns: Column[];
  /** Of the source's first row group: that of the parts, too. */
  codec: number;
  /** Number of its first column in the table: `c<number>`. */
  firstInTable: number;
  /** In memory, of all rows; `fixedBytes` without the bytes of byte arrays. */
  bytes: number;
  fixedBytes: number;
}

export interface FetchSlice {
  table: string;
  ranges: FetchRange[];
  /** In memory, of all rows; `fixedBytes` without the bytes of byte arrays. */
  bytes: number;
  fixedBytes: number;
}

export interface FetchLimits {
  sliceBytes: number;
  /** A part is written from a copy of its columns: this is the size of a range. */
  rangeBytes: number;
  sliceColumns: number;
}

/**
 * The slices of all tables, in order; one column at least in each range, however large. Throws MergeFailure
 * InputChanged where the tables do not hold every column once.
 */
export function planSlices(
  plan: MergePlan,
  staging: Staging,
  parts: readonly MergedPart[],
  limits: FetchLimits,
): FetchSlice[] {
  assertComplete(plan, parts);
  const slices: FetchSlice[] = [];
  for (const { table, slices: pieces } of parts) {
    let open: FetchSlice = { table, ranges: [], bytes: 0, fixedBytes: 0 };
    let columns = 0;
    for (const range of rangesOf(plan, staging, pieces, limits)) {
      const isFull =
        open.bytes + range.bytes > limits.sliceBytes || columns + range.columns.length > limits.sliceColumns;
      if (isFull && columns > 0) {
        slices.push(open);
        open = { table, ranges: [], bytes: 0, fixedBytes: 0 };
        columns = 0;
      }
      open.ranges.push(range);
      open.bytes += range.bytes;
      open.fixedBytes += range.fixedBytes;
      columns += range.columns.length;
    }
    if (columns > 0) slices.push(open);
  }
  return slices;
}

function* rangesOf(
  plan: MergePlan,
  staging: Staging,
  pieces: MergedPart['slices'],
  limits: FetchLimits,
): Generator<FetchRange> {
  let inTable = 0;
  for (const { file, first, count } of pieces) {
    const { columns, footer } = plan.checkpoints[file]!;
    let open = null as FetchRange | null;
    for (let index = first; index < first + count; index++, inTable++) {
      const column = columns[index]!;
      const { payloadBytes } = staging.checkpoints[file]!.columns[index]!;
      const bytes = columnBytes(column.physicalType!, staging.rows, payloadBytes);
      const fixedBytes = columnBytes(column.physicalType!, staging.rows, 0);
      const group = footer.rowGroups[0];
      const codec = group === undefined ? 0 : codecOf(group.chunks[column.firstLeaf]!);
      if (
        open?.codec === codec &&
        open.bytes + bytes <= limits.rangeBytes &&
        open.columns.length < limits.sliceColumns
      ) {
        open.columns.push(column);
        open.bytes += bytes;
        open.fixedBytes += fixedBytes;
      } else {
        if (open !== null) yield open;
        open = { file, first: index, columns: [column], codec, firstInTable: inTable, bytes, fixedBytes };
      }
    }
    if (open !== null) yield open;
  }
}

/** Each column of each checkpoint is in one table, and those of a checkpoint come in their order. */
function assertComplete(plan: MergePlan, parts: readonly MergedPart[]): void {
  const next = plan.checkpoints.map(() => 0);
  for (const { file, first, count } of parts.flatMap(({ slices }) => slices)) {
    if (next[file] !== first) throw incomplete(plan, file);
    next[file] += count;
  }
  const missing = plan.checkpoints.findIndex(({ columns }, file) => next[file] !== columns.length);
  if (missing >= 0) throw incomplete(plan, missing);
}

const incomplete = (plan: MergePlan, file: number): MergeFailure =>
  new MergeFailure(
    'InputChanged',
    `BigQuery: the merged tables do not hold the columns of ${plan.checkpoints[file]?.name ?? `file ${file}`} once, in their order; retry the pair, it is queried again`,
  );
