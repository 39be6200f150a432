/**
 * The page index of a column chunk: its offset index says where each of its data pages lies and which row it begins with, its column
 * index the bounds of each page. Readers skip pages by them, so that one that lies loses rows: what cannot be true is not taken over.
 * Pure: bytes in, bytes out. Source: https://github.com/apache/parquet-format/blob/master/PageIndex.md
 */
import { crc32 } from 'node:zlib';
import { COLUMN_CHUNK, COLUMN_INDEX, OFFSET_INDEX, PAGE_LOCATION, PHYSICAL } from './field-ids.ts';
import type { ByteRange } from './layout.ts';
import {
  findField,
  readBinary,
  readI64,
  readList,
  readPrefix,
  readStruct,
  type ThriftField,
  type ThriftStruct,
} from './thrift.ts';
import { ThriftError, TYPE } from './thrift-cursor.ts';
import { encodeStruct, i32Field, i64Field, listField, patchStruct } from './write-thrift.ts';

/** Where the indexes of a chunk are said to lie. */
export interface PageIndexRanges {
  offset: ByteRange;
  column: ByteRange | null;
}

/** One data page. */
export interface PageLocation {
  /** In the file. */
  offset: number;
  /** Of header and page as stored, bytes. */
  length: number;
  /** Of the row group. */
  firstRow: number;
}

/** What is to be known of a chunk to tell whether an index can be its own. */
export interface IndexedChunk {
  start: number;
  length: number;
  /** Of its row group. */
  rows: number;
  /** Null for a leaf of a nested column. */
  physicalType: number | null;
}

/** Larger than the index of 100,000 pages; one that claims more is not read. */
export const MAX_INDEX_BYTES = 8 * 1024 ** 2;

/** Where a range is that cannot be one: reading it gives nothing, which is no index. */
const NOWHERE: ByteRange = { start: 0, length: 0 };

/** Reads the ranges from a ColumnChunk; null where it says nothing of indexes. */
export function pageIndexRanges(chunk: ThriftStruct): PageIndexRanges | null {
  const offset = rangeOf(chunk, COLUMN_CHUNK.offsetIndexOffset, COLUMN_CHUNK.offsetIndexLength);
  const column = rangeOf(chunk, COLUMN_CHUNK.columnIndexOffset, COLUMN_CHUNK.columnIndexLength);
  return offset === null && column === null ? null : { offset: offset ?? NOWHERE, column };
}

function rangeOf(chunk: ThriftStruct, offsetId: number, lengthId: number): ByteRange | null {
  const [offset, length] = [findField(chunk, offsetId), findField(chunk, lengthId)];
  if (offset === undefined && length === undefined) return null;
  if (offset?.type !== TYPE.i64 || length?.type !== TYPE.i32) return NOWHERE;
  // Their numbers may be anything: indexes are no reason to refuse a file.
  const [start, bytes] = [readI64(offset.raw), readI64(length.raw)];
  if (start < 4n || start > BigInt(Number.MAX_SAFE_INTEGER) || bytes <= 0n || bytes > BigInt(MAX_INDEX_BYTES))
    return NOWHERE;
  return { start: Number(start), length: Number(bytes) };
}

/** Decodes an offset index. Throws ThriftError where it is none, or cannot be that of `chunk`. */
export function readOffsetIndex(bytes: Uint8Array, chunk: IndexedChunk): PageLocation[] {
  const pages = readLocations(whole(bytes)).map((location): PageLocation => ({
    offset: integer(location, PAGE_LOCATION.offset, TYPE.i64),
    length: integer(location, PAGE_LOCATION.compressedPageSize, TYPE.i32),
    firstRow: integer(location, PAGE_LOCATION.firstRowIndex, TYPE.i64),
  }));
  let [end, row] = [chunk.start, -1];
  for (const { offset, length, firstRow } of pages) {
    if (offset < end || length <= 0) throw new ThriftError('has pages that overlap in its offset index');
    if (firstRow <= row || (row === -1 && firstRow !== 0))
      throw new ThriftError('has rows out of order in its offset index');
    [end, row] = [offset + length, firstRow];
  }
  if (pages.length === 0 || end > chunk.start + chunk.length || row >= chunk.rows)
    throw new ThriftError('has an offset index of other pages');
  return pages;
}

/** The same offset index for pages that lie `shift` bytes further on; all else in it goes through. */
export function moveOffsetIndex(bytes: Uint8Array, shift: number): Uint8Array {
  const struct = readStruct(bytes);
  const elements = readLocations(struct).map((location) => {
    const offset = integer(location, PAGE_LOCATION.offset, TYPE.i64) + shift;
    return encodeStruct(
      patchStruct(location, new Map([[PAGE_LOCATION.offset, i64Field(PAGE_LOCATION.offset, offset)]])),
    );
  });
  const locations = listField(OFFSET_INDEX.pageLocations, { elementType: TYPE.struct, elements });
  return encodeStruct(patchStruct(struct, new Map([[OFFSET_INDEX.pageLocations, locations]])));
}

const BOUNDARY_ORDERS = 3;

/** Throws ThriftError where the bytes are no column index of a chunk of that many pages. What its bounds say is believed, as statistics are. */
export function checkColumnIndex(bytes: Uint8Array, pages: number, { physicalType }: IndexedChunk): void {
  const struct = whole(bytes);
  const order = integer(struct, COLUMN_INDEX.boundaryOrder, TYPE.i32);
  if (order < 0 || order >= BOUNDARY_ORDERS) throw new ThriftError('has a column index in no order');
  const list = (id: number, elementTypes: number[], perPage: boolean): Uint8Array[] => {
    const { elementType, elements } = listIn(struct, id);
    if (!elementTypes.includes(elementType) || (perPage && elements.length !== pages))
      throw new ThriftError('has a column index of other pages');
    return elements;
  };
  const nulls = list(COLUMN_INDEX.nullPages, [TYPE.true, TYPE.false], true);
  const width = physicalType === null ? undefined : WIDTHS.get(physicalType);
  for (const id of [COLUMN_INDEX.minValues, COLUMN_INDEX.maxValues])
    for (const [page, raw] of list(id, [TYPE.binary], true).entries())
      // A bool stands as 1 or 2, or in older files as 1 or 0.
      if (nulls[page]![0] !== TYPE.true && width !== undefined && readBinary(raw).length !== width)
        throw new ThriftError('has bounds of another size than their type in its column index');
  if (findField(struct, COLUMN_INDEX.nullCounts) !== undefined) list(COLUMN_INDEX.nullCounts, [TYPE.i64], true);
  for (const id of [COLUMN_INDEX.repetitionLevels, COLUMN_INDEX.definitionLevels])
    if (findField(struct, id) !== undefined) list(id, [TYPE.i64], false);
}

/** Bytes of a bound, by physical type; byte arrays have any number. */
const WIDTHS: ReadonlyMap<number, number> = new Map([
  [PHYSICAL.boolean, 1],
  [PHYSICAL.int32, 4],
  [PHYSICAL.int64, 8],
  [PHYSICAL.int96, 12],
  [PHYSICAL.float, 4],
  [PHYSICAL.double, 8],
]);

/** The four fields of a ColumnChunk that say where its indexes lie, or that it has none. */
export function pageIndexFields(ranges: PageIndexRanges | null): Map<number, ThriftField | null> {
  const { offset = null, column = null } = ranges ?? {};
  const fields = new Map<number, ThriftField | null>();
  for (const [range, offsetId, lengthId] of [
    [offset, COLUMN_CHUNK.offsetIndexOffset, COLUMN_CHUNK.offsetIndexLength],
    [column, COLUMN_CHUNK.columnIndexOffset, COLUMN_CHUNK.columnIndexLength],
  ] as const) {
    fields.set(offsetId, range && i64Field(offsetId, range.start));
    fields.set(lengthId, range && i32Field(lengthId, range.length));
  }
  return fields;
}

/** A number for a sequence of pages, to compare those of an index with those that lie in the file. */
export class PagesSum {
  crc = 0;
  /** `offset` in the chunk. */
  add(offset: number, length: number, firstRow: number | null): void {
    this.crc = crc32(`${offset} ${length} ${firstRow ?? ''};`, this.crc);
  }
}

/** All of the bytes must be the struct's. */
function whole(bytes: Uint8Array): ThriftStruct {
  const { struct, length } = readPrefix(bytes);
  if (length !== bytes.length) throw new ThriftError('has an index of another length than is said');
  return struct;
}

const readLocations = (struct: ThriftStruct): ThriftStruct[] => {
  const { elementType, elements } = listIn(struct, OFFSET_INDEX.pageLocations);
  if (elementType !== TYPE.struct) throw new ThriftError('has an offset index without pages');
  return elements.map(readStruct);
};

function listIn(struct: ThriftStruct, id: number): ReturnType<typeof readList> {
  const field = findField(struct, id);
  if (field?.type !== TYPE.list) throw new ThriftError(`lacks the list ${id} of an index`);
  return readList(field.raw);
}

function integer(struct: ThriftStruct, id: number, type: number): number {
  const field = findField(struct, id);
  if (field?.type !== type) throw new ThriftError(`lacks the number ${id} of an index`);
  return field.integer;
}
