/** Which values of a column a chunk of the output has, and where it has none. */
import { newCells, type Cells, type CellType } from './cells.ts';
import type { StoredColumn } from './stored-column.ts';

export interface PickedRows {
  /** Rows of the column that have a value, in the order of the output; null: all from `firstRow` on. */
  sources: Int32Array | null;
  firstRow: number;
  /** Of the output. */
  rows: number;
  /** Values. */
  count: number;
  /** 1 for each row of the output without a value; null where all have one. */
  isNull: Uint8Array | null;
}

/**
 * `rowOf`: of each row of the output the column's row, or -1; null where they are the same. `nulls`: of the column, where it
 * has any.
 */
export function pickRows(
  nulls: StoredColumn['nulls'],
  rowOf: Int32Array | null,
  firstRow: number,
  rows: number,
): PickedRows {
  if (rowOf === null && nulls === null) return { sources: null, firstRow, rows, count: rows, isNull: null };
  const isNull = new Uint8Array(rows);
  const sources = new Int32Array(rows);
  let count = 0;
  for (let i = 0; i < rows; i++) {
    const source = rowOf === null ? firstRow + i : rowOf[firstRow + i]!;
    if (source < 0 || (nulls !== null && nulls[source] === 1)) isNull[i] = 1;
    else sources[count++] = source;
  }
  return { sources: sources.subarray(0, count), firstRow, rows, count, isNull: count === rows ? null : isNull };
}

export function gatherCells(type: CellType, from: Cells, { sources, firstRow, count }: PickedRows): Cells {
  const { perValue } = type;
  if (sources === null) return from.subarray(firstRow * perValue, (firstRow + count) * perValue);
  const to = newCells(type, count);
  if (perValue === 1) for (let i = 0; i < count; i++) to[i] = from[sources[i]!]!;
  else if (perValue === 2)
    for (let i = 0; i < count; i++) {
      const at = 2 * sources[i]!;
      to[2 * i] = from[at]!;
      to[2 * i + 1] = from[at + 1]!;
    }
  else
    for (let i = 0; i < count; i++)
      for (let cell = 0; cell < perValue; cell++) to[i * perValue + cell] = from[sources[i]! * perValue + cell]!;
  return to;
}

export function gatherIndices(from: Uint32Array, { sources, firstRow, count }: PickedRows): Uint32Array {
  if (sources === null) return from.subarray(firstRow, firstRow + count);
  const to = new Uint32Array(count);
  for (let i = 0; i < count; i++) to[i] = from[sources[i]!]!;
  return to;
}
