/**
 * Cells: what values of fixed width are moved in. Types of a multiple of 4 bytes are one or more 32-bit words, so that no
 * floating-point register touches a NaN's payload; others are bytes, booleans one of them each.
 */
import { PHYSICAL, SCHEMA_ELEMENT } from '../parquet/field-ids.ts';
import type { Column } from '../parquet/schema.ts';
import { integerOf } from '../parquet/thrift.ts';

export type Cells = Int32Array | Uint8Array;

export interface CellType {
  physicalType: number;
  /** Bytes of a value as it is stored; 0 for booleans, which are bits. */
  bytes: number;
  /** Cells of a value, and whether they are words. */
  perValue: number;
  words: boolean;
}

const BYTES: Record<number, number> = {
  [PHYSICAL.boolean]: 0,
  [PHYSICAL.int32]: 4,
  [PHYSICAL.int64]: 8,
  [PHYSICAL.int96]: 12,
  [PHYSICAL.float]: 4,
  [PHYSICAL.double]: 8,
};

/** Null for byte arrays and what is nested: they have no fixed width. */
export function cellTypeOf({ nested, physicalType, elements }: Column): CellType | null {
  if (nested || physicalType === null || physicalType === PHYSICAL.byteArray) return null;
  const bytes =
    physicalType === PHYSICAL.fixedLenByteArray
      ? (integerOf(elements[0]!, SCHEMA_ELEMENT.typeLength) ?? 0)
      : BYTES[physicalType];
  if (bytes === undefined || (bytes <= 0 && physicalType !== PHYSICAL.boolean)) return null;
  const words = bytes > 0 && bytes % 4 === 0;
  return { physicalType, bytes, words, perValue: words ? bytes / 4 : Math.max(bytes, 1) };
}

/** Of `values` values, all zero. */
export const newCells = ({ words, perValue }: CellType, values: number): Cells =>
  words ? new Int32Array(values * perValue) : new Uint8Array(values * perValue);

export const bytesOf = (cells: Cells): Uint8Array => new Uint8Array(cells.buffer, cells.byteOffset, cells.byteLength);

/** Of a page of PLAIN values; words are a view of it where its place in memory allows. */
export function plainCells(type: CellType, body: Uint8Array, count: number): Cells {
  if (type.physicalType === PHYSICAL.boolean) {
    if (body.length * 8 < count) throw new Error('a page ends in the middle of its values');
    return Uint8Array.from({ length: count }, (_, i) => (body[i >> 3]! >> (i & 7)) & 1);
  }
  const length = count * type.bytes;
  if (length > body.length) throw new Error('a page ends in the middle of its values');
  if (!type.words) return body.subarray(0, length);
  // A view where alignment allows it; slice() of a Buffer would be another view.
  const aligned = body.byteOffset % 4 === 0 ? body : Uint8Array.from(body.subarray(0, length));
  return new Int32Array(aligned.buffer, aligned.byteOffset, length / 4);
}

/** Puts the values of a page at its rows; where rows are null the values are fewer. */
export function placeCells<T extends Cells | Uint32Array>(
  from: T,
  to: T,
  perValue: number,
  at: number,
  count: number,
  isNull: Uint8Array | null,
): void {
  if (isNull === null) {
    to.set(from.subarray(0, count * perValue), at * perValue);
    return;
  }
  let next = 0;
  for (let i = 0; i < count; i++) {
    if (isNull[i] === 1) continue;
    for (let cell = 0; cell < perValue; cell++) to[(at + i) * perValue + cell] = from[next++]!;
  }
}
