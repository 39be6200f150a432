/**
 * Columns of a slice in memory while it is read: every value at its row, in the column's own physical type. Batches come in
 * any order; each row comes once, so that a null is noted only where it comes.
 */
import type { Data } from 'apache-arrow';
import { DataType, Type } from 'apache-arrow';
import { PHYSICAL } from '../merge/parquet/field-ids.ts';
import type { SliceMemory } from './read-memory.ts';

/** Values of fixed width; `values[row]` is undefined in meaning where the row is null. */
export interface FixedColumn {
  kind: 'fixed';
  values: Uint8Array | Int32Array | BigInt64Array | Float32Array | Float64Array;
  /** One bit a row, from the lowest of each byte on, set where the row is null; null: no row is. */
  nulls: Uint8Array | null;
  memory: SliceMemory;
}

export interface BytesColumn {
  kind: 'bytes';
  /** Of each row: which block of the memory, where in it, how long. */
  block: Uint32Array;
  offset: Uint32Array;
  length: Uint32Array;
  nulls: Uint8Array | null;
  memory: SliceMemory;
}

export type ReadColumn = FixedColumn | BytesColumn;

/** A value that the column cannot hold, or a type that it cannot come in: what was written is not what was sent. */
export class ValueMismatch extends Error {}

export const typeName = (data: Data): string => Type[data.typeId];

/** Bytes that a column takes in memory; `payloadBytes` of a value of variable length, on average. */
export function columnBytes(physicalType: number, rows: number, payloadBytes: number): number {
  const width = WIDTHS.get(physicalType);
  return Math.ceil(rows * ((width ?? 12 + payloadBytes) + 1 / 8)) + ROUNDING_BYTES;
}

/** Each of its arrays begins at a multiple of eight. */
const ROUNDING_BYTES = 32;
const WIDTHS = new Map<number, number>([
  [PHYSICAL.boolean, 1],
  [PHYSICAL.int32, 4],
  [PHYSICAL.int64, 8],
  [PHYSICAL.float, 4],
  [PHYSICAL.double, 8],
]);

/** An empty column of the Parquet type, in `memory`. */
export function openColumn(physicalType: number, rows: number, memory: SliceMemory): ReadColumn {
  const fixed = (values: FixedColumn['values']): FixedColumn => ({ kind: 'fixed', values, nulls: null, memory });
  const indexes = (): Uint32Array => memory.numbers(Uint32Array, 4, rows);
  switch (physicalType) {
    case PHYSICAL.boolean:
      return fixed(memory.numbers(Uint8Array, 1, rows));
    case PHYSICAL.int32:
      return fixed(memory.numbers(Int32Array, 4, rows));
    case PHYSICAL.int64:
      return fixed(memory.numbers(BigInt64Array, 8, rows));
    case PHYSICAL.float:
      return fixed(memory.numbers(Float32Array, 4, rows));
    case PHYSICAL.double:
      return fixed(memory.numbers(Float64Array, 8, rows));
    case PHYSICAL.byteArray:
      return { kind: 'bytes', block: indexes(), offset: indexes(), length: indexes(), nulls: null, memory };
    default:
      throw new Error(`columns of physical type ${physicalType} are not staged`);
  }
}

/**
 * Puts the values of a batch at their rows: value i at `rows[i]`. Throws ValueMismatch where the type is another one than
 * the column was sent in, or a value does not fit: both were widened when they were sent, so that they fit.
 */
export function placeValues(column: ReadColumn, data: Data, rows: Uint32Array): void {
  if (data.nullCount > 0) placeNulls(column, data, rows);
  if (column.kind === 'bytes') placeBytes(column, data, rows);
  else if (column.values instanceof BigInt64Array) placeAll(column.values, longsOf(data), rows);
  else if (column.values instanceof Float64Array) placeAll(column.values, doublesOf(data), rows);
  else if (column.values instanceof Int32Array) placeInts(column.values, data, rows);
  else if (column.values instanceof Float32Array) placeFloats(column.values, data, rows);
  else placeBooleans(column.values, data, rows);
}

const isNull = (data: Data, index: number): boolean => {
  if (data.nullCount === 0) return false;
  const bit = data.offset + index;
  return (data.nullBitmap[bit >> 3]! & (1 << (bit & 7))) === 0;
};

function placeNulls(column: ReadColumn, data: Data, rows: Uint32Array): void {
  const count = column.kind === 'bytes' ? column.length.length : column.values.length;
  const nulls = (column.nulls ??= column.memory.numbers(Uint8Array, 1, Math.ceil(count / 8)).fill(0));
  for (let i = 0; i < rows.length; i++) if (isNull(data, i)) nulls[rows[i]! >> 3]! |= 1 << (rows[i]! & 7);
}

function longsOf(data: Data): BigInt64Array {
  if (DataType.isInt(data.type) && data.type.bitWidth === 64) return data.values as BigInt64Array;
  throw new ValueMismatch(`came as ${typeName(data)} instead of Int64`);
}

function doublesOf(data: Data): Float64Array {
  if (DataType.isFloat(data.type) && data.values instanceof Float64Array) return data.values;
  throw new ValueMismatch(`came as ${typeName(data)} instead of Float64`);
}

/** Whatever stands where a null is may be placed too: nobody reads it. */
function placeAll<T extends BigInt64Array | Float64Array>(to: T, from: T, rows: Uint32Array): void {
  for (let i = 0; i < rows.length; i++) to[rows[i]!] = from[i]!;
}

/** By halves of the 64-bit numbers, the low ones first: without a bigint for each. */
function placeInts(to: Int32Array, data: Data, rows: Uint32Array): void {
  const from = longsOf(data);
  const halves = new Int32Array(from.buffer, from.byteOffset, 2 * rows.length);
  for (let i = 0; i < rows.length; i++) {
    const low = halves[2 * i]!;
    if (halves[2 * i + 1] !== low >> 31 && !isNull(data, i))
      throw new ValueMismatch(`has the value ${from[i]}, which is wider than 32 bits`);
    to[rows[i]!] = low;
  }
}

function placeFloats(to: Float32Array, data: Data, rows: Uint32Array): void {
  const from = doublesOf(data);
  for (let i = 0; i < rows.length; i++) {
    const value = from[i]!;
    const narrow = Math.fround(value);
    if (narrow !== value && value === value && !isNull(data, i))
      throw new ValueMismatch(`has the value ${value}, which is no float`);
    to[rows[i]!] = narrow;
  }
}

function placeBooleans(to: Uint8Array, data: Data, rows: Uint32Array): void {
  if (!DataType.isBool(data.type)) throw new ValueMismatch(`came as ${typeName(data)} instead of Bool`);
  const bits = data.values as Uint8Array;
  for (let i = 0; i < rows.length; i++) {
    const bit = data.offset + i;
    to[rows[i]!] = (bits[bit >> 3]! >> (bit & 7)) & 1;
  }
}

function placeBytes(column: BytesColumn, data: Data, rows: Uint32Array): void {
  if (!DataType.isBinary(data.type)) throw new ValueMismatch(`came as ${typeName(data)} instead of Binary`);
  const ends = data.valueOffsets as Int32Array;
  const bytes = data.values as Uint8Array;
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!;
    const [start, end] = [ends[i]!, ends[i + 1]!];
    const place = end === start ? NOWHERE : column.memory.add(bytes.subarray(start, end));
    column.block[row] = place.block;
    column.offset[row] = place.offset;
    column.length[row] = end - start;
  }
}

const NOWHERE = { block: 0, offset: 0 };
