/**
 * Encodes rows of a column as one column chunk: OPTIONAL, data pages of version 1, PLAIN or by the dictionary that the
 * column came with.
 */
import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { CODEC } from '../parquet/decompress.ts';
import { ENCODING, PAGE, PAGE_HEADER, PHYSICAL } from '../parquet/field-ids.ts';
import { type ThriftStruct } from '../parquet/thrift.ts';
import { encodeStruct, i32Field, structField } from '../parquet/write-thrift.ts';
import { boundsOf, type Bounds } from './bounds.ts';
import { bytesOf, newCells, type Cells, type CellType } from './cells.ts';
import { gatherCells, gatherIndices, type PickedRows } from './pick-rows.ts';
import { packBits, packRun, sameRun } from './runs.ts';
import type { StoredColumn } from './stored-column.ts';

export interface ChunkRequest {
  column: StoredColumn;
  picked: PickedRows;
  codec: PackedCodec;
  /** Whether min and max of the physical values are those of the logical ones. */
  bounded: boolean;
}

export interface EncodedChunk {
  /** Headers and pages, in order. */
  pieces: Uint8Array[];
  bytes: number;
  uncompressedBytes: number;
  /** Of the dictionary page with its header; 0 where there is none. */
  dictionaryBytes: number;
  rows: number;
  nullCount: number;
  bounds: Bounds | null;
}

export type PackedCodec = typeof CODEC.uncompressed | typeof CODEC.gzip | typeof CODEC.zstd;

/** What is stored as it is stays so, and gzip may be all that its readers know; the rest is small and quick as Zstandard. */
export const packedCodec = (codec: number): PackedCodec =>
  codec === CODEC.uncompressed || codec === CODEC.gzip ? codec : CODEC.zstd;

/** Readers hold a page at a time: 1 MiB of values, as other writers have it. */
const PAGE_BYTES = 1024 ** 2;
/** Level 3, the usual one, saves a fifth of the room and takes half again the time. */
const ZSTD = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

export function encodeChunk(request: ChunkRequest): EncodedChunk {
  const { column, picked, codec, bounded } = request;
  const { type, content } = column;
  const { rows } = picked;
  const chunk: EncodedChunk = {
    ...{ pieces: [], bytes: 0, uncompressedBytes: 0, dictionaryBytes: 0 },
    ...{ rows, nullCount: rows - picked.count, bounds: null },
  };
  if ('values' in content) {
    const cells = gatherCells(type, content.values, picked);
    addDataPages(chunk, picked, ENCODING.plain, type, codec, (from, to) => plainBody(type, cells, from, to));
    if (bounded) chunk.bounds = boundsOf(type, cells);
  } else {
    const { entries } = content;
    const indices = gatherIndices(content.indices, picked);
    const size = entries.length / type.perValue;
    addPage(chunk, codec, PAGE.dictionary, bytesOf(entries), [
      structField(PAGE_HEADER.dictionary, [i32Field(1, size), i32Field(2, ENCODING.plain)]),
    ]);
    chunk.dictionaryBytes = chunk.bytes;
    const width = Math.max(1, 32 - Math.clz32(size - 1));
    addDataPages(chunk, picked, ENCODING.rleDictionary, type, codec, (from, to) =>
      Buffer.concat([Uint8Array.of(width), packRun(indices.subarray(from, to), width)]),
    );
    if (bounded) chunk.bounds = boundsOf(type, usedEntries(type, entries, indices));
  }
  return chunk;
}

/** `bodyOf`: the page of the values `from` to `to`. */
function addDataPages(
  chunk: EncodedChunk,
  { isNull, count }: PickedRows,
  encoding: number,
  { bytes }: CellType,
  codec: PackedCodec,
  bodyOf: (from: number, to: number) => Uint8Array,
): void {
  const pageRows = Math.max(1, Math.floor(PAGE_BYTES / Math.max(bytes, 8)));
  let from = 0;
  for (let row = 0; row < chunk.rows; row += pageRows) {
    const rows = Math.min(pageRows, chunk.rows - row);
    const levels = isNull === null ? null : isNull.slice(row, row + rows);
    let present = rows;
    if (levels !== null)
      for (let i = 0; i < rows; i++) {
        present -= levels[i]!;
        levels[i]! ^= 1;
      }
    const runs = levels === null ? sameRun(rows, 1) : packRun(levels, 1);
    const body = Buffer.concat([bytesOf(Int32Array.of(runs.length)), runs, bodyOf(from, from + present)]);
    from += present;
    addPage(chunk, codec, PAGE.data, body, [
      structField(PAGE_HEADER.data, [
        i32Field(1, rows),
        i32Field(2, encoding),
        i32Field(3, ENCODING.rle),
        i32Field(4, ENCODING.rle),
      ]),
    ]);
  }
  if (from !== count) throw new Error(`${from} values were put on pages instead of ${count}`);
}

function addPage(chunk: EncodedChunk, codec: PackedCodec, type: number, body: Uint8Array, own: ThriftStruct): void {
  const packed = pack(codec, body);
  const header = encodeStruct([
    i32Field(PAGE_HEADER.type, type),
    i32Field(PAGE_HEADER.bytes, body.length),
    i32Field(PAGE_HEADER.storedBytes, packed.length),
    ...own,
  ]);
  chunk.pieces.push(header, packed);
  chunk.bytes += header.length + packed.length;
  chunk.uncompressedBytes += header.length + body.length;
}

function pack(codec: PackedCodec, body: Uint8Array): Uint8Array {
  if (codec === CODEC.uncompressed) return body;
  return codec === CODEC.gzip ? gzipSync(body) : zstdCompressSync(body, ZSTD);
}

function plainBody({ physicalType, perValue }: CellType, cells: Cells, from: number, to: number): Uint8Array {
  if (physicalType !== PHYSICAL.boolean) return bytesOf(cells.subarray(from * perValue, to * perValue));
  return packBits(cells.subarray(from, to) as Uint8Array, 1);
}

/** Rows that were left out may have been the only ones with a value. */
function usedEntries(type: CellType, entries: Cells, indices: Uint32Array): Cells {
  const { perValue } = type;
  const isUsed = new Uint8Array(entries.length / perValue);
  for (let i = 0; i < indices.length; i++) isUsed[indices[i]!] = 1;
  const used = newCells(
    type,
    isUsed.reduce((sum, one) => sum + one, 0),
  );
  let at = 0;
  for (let i = 0; i < isUsed.length; i++)
    if (isUsed[i] === 1) for (let cell = 0; cell < perValue; cell++) used[at++] = entries[i * perValue + cell]!;
  return used;
}
