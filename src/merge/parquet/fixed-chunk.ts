/**
 * Writes a column chunk of values of fixed length (FIXED_LEN_BYTE_ARRAY, INT96): OPTIONAL, PLAIN, in pages of version 1.
 * DuckDB permutes such values as byte strings and cannot write them back as what they were.
 */
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { CODEC } from './decompress.ts';
import {
  COLUMN_CHUNK,
  COLUMN_META,
  ENCODING,
  PAGE,
  PAGE_HEADER,
  PHYSICAL,
  SCHEMA_ELEMENT,
  STATISTICS,
} from './field-ids.ts';
import type { Chunk } from './footer.ts';
import type { Column } from './schema.ts';
import { integerOf } from './thrift.ts';
import { TYPE } from './thrift-cursor.ts';
import { encodeInteger, encodeStruct, encodeText, i32Field, i64Field, listField, structField } from './write-thrift.ts';

const INT96_BYTES = 12;
/** Of values in a page, before compression: what other writers aim at. */
const PAGE_BYTES = 1024 ** 2;

/** Bytes of a value of a flat column whose values are byte strings of one length; 0 where they are not. */
export function fixedLength({ nested, physicalType, elements }: Column): number {
  if (nested) return 0;
  if (physicalType === PHYSICAL.int96) return INT96_BYTES;
  return physicalType === PHYSICAL.fixedLenByteArray ? integerOf(elements[0]!, SCHEMA_ELEMENT.typeLength)! : 0;
}

export interface FixedValues {
  /** One a row; that of a null is not looked at. */
  values: Uint8Array[];
  /** 1 where the row is null; null where no row is. */
  nulls: Uint8Array | null;
}

/**
 * The bytes of a chunk that will begin at offset `start`, and what its footer says of it, for a column of this type and
 * name. `codec` is kept where it is none or gzip; all else becomes zstd. Throws where a value has another length.
 */
export function encodeFixedChunk(
  { values, nulls }: FixedValues,
  column: Column,
  codec: number,
  start: number,
): { bytes: Uint8Array; chunk: Chunk } {
  const width = fixedLength(column);
  const compression = compressionFor(codec);
  const perPage = Math.max(1, Math.floor(PAGE_BYTES / width));
  const pages: Uint8Array[] = [];
  let uncompressedLength = 0;
  let nullCount = 0;
  for (let first = 0; first < values.length; first += perPage) {
    const end = Math.min(first + perPage, values.length);
    const present: Uint8Array[] = [];
    for (let row = first; row < end; row++) {
      if (nulls?.[row] === 1) continue;
      const value = values[row]!;
      if (value.length !== width) throw new Error(`a value of ${value.length} bytes where ${width} are needed`);
      present.push(value);
    }
    nullCount += end - first - present.length;
    const page = Buffer.concat([definitionLevels(nulls, first, end), ...present]);
    const stored = compression.compress(page);
    const header = pageHeader(end - first, page.length, stored.length);
    pages.push(header, stored);
    uncompressedLength += header.length + page.length;
  }
  const bytes = Buffer.concat(pages);
  const raw = encodeStruct([
    i64Field(COLUMN_CHUNK.fileOffset, 0),
    structField(COLUMN_CHUNK.metaData, [
      i32Field(COLUMN_META.type, column.physicalType!),
      listField(COLUMN_META.encodings, {
        elementType: TYPE.i32,
        elements: [ENCODING.plain, ENCODING.rle].map(encodeInteger),
      }),
      listField(COLUMN_META.pathInSchema, { elementType: TYPE.binary, elements: [encodeText(column.name)] }),
      i32Field(COLUMN_META.codec, compression.codec),
      i64Field(COLUMN_META.numValues, values.length),
      i64Field(COLUMN_META.totalUncompressedSize, uncompressedLength),
      i64Field(COLUMN_META.totalCompressedSize, bytes.length),
      i64Field(COLUMN_META.dataPageOffset, start),
      structField(COLUMN_META.statistics, [i64Field(STATISTICS.nullCount, nullCount)]),
    ]),
  ]);
  return {
    bytes,
    chunk: { start, length: bytes.length, uncompressedLength, values: values.length, raw, indexes: null },
  };
}

function compressionFor(codec: number): { codec: number; compress: (page: Uint8Array) => Uint8Array } {
  if (codec === CODEC.uncompressed) return { codec, compress: (page) => page };
  if (codec === CODEC.gzip) return { codec: CODEC.gzip, compress: gzipSync };
  return { codec: CODEC.zstd, compress: zstdCompressSync };
}

/** Behind their length: one run where they are all alike, else one bit each. */
function definitionLevels(nulls: Uint8Array | null, first: number, end: number): Uint8Array {
  const count = end - first;
  const own = nulls?.subarray(first, end);
  const anyNull = own?.includes(1) ?? false;
  const levels =
    anyNull && own!.includes(0)
      ? [...varint((Math.ceil(count / 8) << 1) | 1), ...bitPacked(own!)]
      : [...varint(count << 1), anyNull ? 0 : 1];
  const bytes = Buffer.alloc(4 + levels.length);
  bytes.writeUInt32LE(levels.length);
  bytes.set(levels, 4);
  return bytes;
}

function bitPacked(nulls: Uint8Array): Uint8Array {
  const bits = new Uint8Array(Math.ceil(nulls.length / 8));
  for (let i = 0; i < nulls.length; i++) if (nulls[i] === 0) bits[i >> 3]! |= 1 << (i & 7);
  return bits;
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (; value >= 0x80; value >>>= 7) bytes.push((value & 0x7f) | 0x80);
  return [...bytes, value];
}

function pageHeader(values: number, bytes: number, storedBytes: number): Uint8Array {
  return encodeStruct([
    i32Field(PAGE_HEADER.type, PAGE.data),
    i32Field(PAGE_HEADER.bytes, bytes),
    i32Field(PAGE_HEADER.storedBytes, storedBytes),
    structField(PAGE_HEADER.data, [
      i32Field(1, values),
      i32Field(2, ENCODING.plain),
      i32Field(3, ENCODING.rle),
      i32Field(4, ENCODING.rle),
    ]),
  ]);
}
