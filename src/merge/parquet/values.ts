import { invalidCheckpoint, isOutOfMemory, MergeFailure } from '../errors.ts';
import { readChunkBytes } from './chunk-bytes.ts';
import type { ReadableFile } from '../system/disk-file.ts';
import { decompress } from './decompress.ts';
import { COLUMN_CHUNK, COLUMN_META, ENCODING, PHYSICAL, REPETITION, SCHEMA_ELEMENT } from './field-ids.ts';
import type { Chunk, Footer } from './footer.ts';
import { readPage } from './page-header.ts';
import { decodeHybrid } from './hybrid.ts';
import { decodePlain, decodeValues, wordsOf, type PageValues, type PhysicalType } from './page-values.ts';
import type { Column } from './schema.ts';
import { integerOf, findField, readInteger, readStruct } from './thrift.ts';

/**
 * Values of one flat column of one row group as they are stored, free of logical types: DOUBLE is the bits of an INT64,
 * FLOAT those of an INT32, BOOLEAN is 0 or 1, everything else is byte strings (INT96 its 12 bytes).
 * `values` has one entry a row; that of a null is zero or empty and means nothing.
 */
export type PhysicalValues = {
  rows: number;
  /** 1 where the row is null; null where no row is. */
  nulls: Uint8Array | null;
} & (
  | { kind: 'i32'; values: Int32Array }
  | { kind: 'i64'; values: BigInt64Array }
  | { kind: 'bits'; values: Uint8Array }
  | { kind: 'bytes'; values: Uint8Array[] }
);

/**
 * Reads and decodes one flat column of one row group of a file of `size` bytes; reads that chunk's bytes only.
 * `name` is what errors call the file; `onBytes` is given those that were read, before they are decoded. Throws MergeFailure
 * CheckpointInvalid that names file and column.
 */
export async function readColumnValues(
  file: ReadableFile,
  size: number,
  footer: Footer,
  column: Column,
  rowGroup: number,
  name: string,
  onBytes?: (bytes: Uint8Array) => void,
): Promise<PhysicalValues> {
  if (column.nested)
    throw invalidCheckpoint(name, `column ${column.name} is nested; its values are not compared`, column.name);
  const group = footer.rowGroups[rowGroup]!;
  const chunk = group.chunks[column.firstLeaf]!;
  if (chunk.start + chunk.length > size)
    throw invalidCheckpoint(name, `ends before the data of column ${column.name}`, column.name);
  const bytes = await readChunkBytes(file, chunk, column, name);
  onBytes?.(bytes);
  try {
    return decodeChunk(bytes, chunk, column, group.rows);
  } catch (error) {
    if (isOutOfMemory(error))
      throw new MergeFailure(
        'MemoryExhausted',
        `${name}: column ${column.name} has ${group.rows} rows in row group ${rowGroup}, more than there is memory for`,
        { file: name, column: column.name },
        { cause: error },
      );
    // Whatever the decoder trips over, a RangeError of a DataView included, is what the file's bytes made it do.
    const why = error instanceof Error ? error.message : String(error);
    throw new MergeFailure(
      'CheckpointInvalid',
      `${name}: column ${column.name} cannot be read in row group ${rowGroup}: ${why}`,
      { file: name, column: column.name },
      { cause: error },
    );
  }
}

/** Pages count their values in 32 bits; 2^31 values of a row group are beyond what any writer makes. */
const MOST_ROWS = 2 ** 31 - 1;

/** Decodes the pages of a chunk. Throws an Error where they are not what the format allows. */
export function decodeChunk(bytes: Uint8Array, chunk: Chunk, column: Column, rows: number): PhysicalValues {
  const type = physicalTypeOf(column);
  const meta = readStruct(findField(readStruct(chunk.raw), COLUMN_CHUNK.metaData)!.raw);
  const codec = readInteger(findField(meta, COLUMN_META.codec)!.raw);
  const optional = column.repetition === REPETITION.optional;
  // A footer may claim anything: what no array can hold must not look like want of memory.
  if (rows > MOST_ROWS) throw new Error(`its footer claims ${rows} rows, more than the ${MOST_ROWS} that can be read`);
  const sink = new Sink(type, rows);
  let dictionary: PageValues | null = null;
  for (let offset = 0; sink.filled < rows;) {
    const { header, stored: page, end: next } = readPage(bytes, offset);
    offset = next;
    if (header.kind === 'dictionary') {
      dictionary = decodePlain(decompress(codec, page, header.bytes), type, header.values);
    } else if (header.kind === 'data') {
      const { values: count, encoding, levelEncoding } = header;
      sink.expect(count);
      let values = decompress(codec, page, header.bytes);
      let levels: Uint8Array | null = null;
      if (optional) {
        if (levelEncoding !== ENCODING.rle) throw new Error(`its level encoding ${levelEncoding} is not supported`);
        const end = 4 + new DataView(values.buffer, values.byteOffset, values.byteLength).getUint32(0, true);
        if (end > values.length) throw new Error('a page ends in the middle of its levels');
        levels = decodeLevels(values.subarray(4, end), count);
        values = values.subarray(end);
      }
      const present = levels === null ? count : countPresent(levels);
      sink.add(decodeValues(values, encoding, type, present, dictionary), levels, count, present);
    } else if (header.kind === 'data v2') {
      const { values: count, encoding, repetitionBytes: start, definitionBytes } = header;
      sink.expect(count);
      const end = start + definitionBytes;
      if (end > page.length || end > header.bytes) throw new Error('a page ends in the middle of its levels');
      const levels = optional ? decodeLevels(page.subarray(start, end), count) : null;
      const present = levels === null ? count : countPresent(levels);
      const body = page.subarray(end);
      // Nothing is there to decompress in a page of nulls alone: some writers write no bytes then.
      const values = header.compressed && present > 0 ? decompress(codec, body, header.bytes - end) : body;
      sink.add(decodeValues(values, encoding, type, present, dictionary), levels, count, present);
    }
  }
  return sink.finish();
}

function physicalTypeOf(column: Column): PhysicalType {
  const type = column.physicalType!;
  if (type === PHYSICAL.int96) return { type, length: 12 };
  const length =
    type === PHYSICAL.fixedLenByteArray ? (integerOf(column.elements[0]!, SCHEMA_ELEMENT.typeLength) ?? 0) : 0;
  return { type, length };
}

/** Definition levels of a flat column: 1 where a value is, 0 where null. */
function decodeLevels(bytes: Uint8Array, count: number): Uint8Array {
  const levels = new Uint8Array(count);
  decodeHybrid(bytes, 1, levels);
  return levels;
}

function countPresent(levels: Uint8Array): number {
  let present = 0;
  // An iterator would take ten times as long.
  for (let i = 0; i < levels.length; i++) present += levels[i]!;
  return present;
}

/** Gathers the values of pages, row after row. */
class Sink {
  readonly type: PhysicalType;
  readonly rows: number;
  filled = 0;
  private nulls: Uint8Array | null = null;
  private readonly words: Int32Array | null;
  private readonly bits: Uint8Array | null;
  private readonly bytes: Uint8Array[] | null;

  constructor(type: PhysicalType, rows: number) {
    this.type = type;
    this.rows = rows;
    const perValue = wordsOf(type);
    this.words = perValue > 0 ? new Int32Array(rows * perValue) : null;
    this.bits = type.type === PHYSICAL.boolean ? new Uint8Array(rows) : null;
    this.bytes = (this.words ?? this.bits) ? null : new Array<Uint8Array>(rows);
  }

  /** Checks a page's claim before anything is allocated for it. */
  expect(count: number): void {
    if (!(count >= 0 && count <= this.rows - this.filled)) throw new Error('its pages hold more values than rows');
  }

  add(page: PageValues, levels: Uint8Array | null, count: number, present: number): void {
    const at = this.filled;
    const sparse = levels !== null && present < count ? levels : null;
    if (sparse !== null) {
      this.nulls ??= new Uint8Array(this.rows);
      for (let i = 0; i < count; i++) this.nulls[at + i] = 1 - sparse[i]!;
    }
    if (page.form === 'words') this.addWords(page.words, page.perValue, at, count, sparse);
    else if (page.form === 'bits') spread(page.bits, this.bits!, at, count, sparse, 0);
    else spread(page.bytes, this.bytes!, at, count, sparse, EMPTY);
    this.filled += count;
  }

  private addWords(from: Int32Array, perValue: 1 | 2, at: number, count: number, sparse: Uint8Array | null): void {
    const to = this.words!;
    if (sparse === null) to.set(from.subarray(0, count * perValue), at * perValue);
    else if (perValue === 1) spread(from, to, at, count, sparse, 0);
    else
      for (let i = 0, next = 0; i < count; i++)
        if (sparse[i] === 1) {
          to[2 * (at + i)] = from[next++]!;
          to[2 * (at + i) + 1] = from[next++]!;
        }
  }

  finish(): PhysicalValues {
    const { rows, nulls, words } = this;
    if (this.bits !== null) return { rows, nulls, kind: 'bits', values: this.bits };
    if (this.bytes !== null) return { rows, nulls, kind: 'bytes', values: this.bytes };
    return wordsOf(this.type) === 1
      ? { rows, nulls, kind: 'i32', values: words! }
      : { rows, nulls, kind: 'i64', values: new BigInt64Array(words!.buffer) };
  }
}

const EMPTY = new Uint8Array(0);

function spread<T>(
  from: ArrayLike<T>,
  to: { [index: number]: T },
  at: number,
  count: number,
  sparse: Uint8Array | null,
  absent: T,
): void {
  for (let i = 0, next = 0; i < count; i++) to[at + i] = sparse === null || sparse[i] === 1 ? from[next++]! : absent;
}
