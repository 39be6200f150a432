import { open } from 'node:fs/promises';
import { invalidCheckpoint } from '../errors.ts';
import type { ReadableFile } from '../system/disk-file.ts';
import { checkChunkFields, checkFileFields, checkGroupFields } from './check-fields.ts';
import { COLUMN_CHUNK, COLUMN_META, FILE_META, ROW_GROUP } from './field-ids.ts';
import { pageIndexRanges, type PageIndexRanges } from './page-index.ts';
import { leavesOf, readSchema, type Column, type Leaf } from './schema.ts';
import { findField, integerOf, readList, readStruct, readText, type ThriftField, type ThriftStruct } from './thrift.ts';
import { ThriftError } from './thrift-cursor.ts';

/** One column chunk: where its bytes are, and its ColumnChunk struct as it stands in the footer. */
export interface Chunk {
  /** Offset of its first page (dictionary or data), bytes. */
  start: number;
  /** Compressed length of its pages, bytes. */
  length: number;
  uncompressedLength: number;
  /** Nulls and levels of nested columns included. */
  values: number;
  /** Where its page indexes are said to lie, in bounds of their own only; null where it has none. */
  indexes: PageIndexRanges | null;
  raw: Uint8Array;
}

export interface RowGroup {
  rows: number;
  /** One per leaf column, in the order of the schema. */
  chunks: Chunk[];
}

export interface Footer {
  rows: number;
  /** Top-level fields, in the order of the schema. */
  columns: Column[];
  leaves: number;
  rowGroups: RowGroup[];
  /** Encoded ColumnOrder per leaf, or null where the writer gave none: bounds cannot be trusted then. */
  columnOrders: Uint8Array[] | null;
  /** The file's FileMetaData, for what is not named above. */
  struct: ThriftStruct;
}

/** Read at once from the end of a file: holds the footer of a usual checkpoint, so that one read is enough. */
export const TAIL_BYTES = 64 * 1024;
/** No known writer comes near; a footer of a million columns is about 150 MB. */
export const MAX_FOOTER_BYTES = 1024 ** 3;

/** Reads and checks the footer of `path`; `name` is what errors call the file. Throws MergeFailure CheckpointInvalid. */
export async function readFooter(path: string, name: string): Promise<Footer> {
  const handle = await open(path, 'r');
  try {
    return await readFooterOf(handle, name);
  } finally {
    await handle.close();
  }
}

/** The same of an open file. */
export async function readFooterOf(file: ReadableFile, name: string): Promise<Footer> {
  const { size } = await file.stat();
  return parseFooter(await readFooterBytes(file, size, name), size, name);
}

async function readFooterBytes(file: ReadableFile, size: number, name: string): Promise<Uint8Array> {
  if (size < 12) throw invalidCheckpoint(name, `is not a Parquet file (${size} bytes)`);
  const head = await readExactly(file, 0, 4, name);
  const tail = await readExactly(file, Math.max(0, size - TAIL_BYTES), Math.min(size, TAIL_BYTES), name);
  const magic = tail.toString('latin1', tail.length - 4);
  const headMagic = head.toString('latin1');
  if (magic === 'PARE' || headMagic === 'PARE')
    throw invalidCheckpoint(name, 'is encrypted; decrypt it before it is merged');
  if (magic !== 'PAR1')
    throw invalidCheckpoint(
      name,
      headMagic === 'PAR1'
        ? 'is truncated: it begins as Parquet but has no footer at its end; write it again'
        : 'is not a Parquet file',
    );
  if (headMagic !== 'PAR1') throw invalidCheckpoint(name, 'does not begin as a Parquet file');
  const length = tail.readUInt32LE(tail.length - 8);
  if (length === 0 || length > size - 12 || length > MAX_FOOTER_BYTES)
    throw invalidCheckpoint(name, `has a broken footer: it claims ${length} bytes in a file of ${size}`);
  const end = tail.length - 8;
  // A copy, so that the footer in memory does not hold on to the whole tail.
  return length <= end
    ? Buffer.from(tail.subarray(end - length, end))
    : readExactly(file, size - 8 - length, length, name);
}

async function readExactly(file: ReadableFile, position: number, length: number, name: string): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length);
  const { bytesRead } = await file.read(buffer, 0, length, position);
  if (bytesRead !== length) throw invalidCheckpoint(name, 'became shorter while it was read');
  return buffer;
}

/** Decodes a footer of a file of `size` bytes and checks that what it says can be true. */
export function parseFooter(bytes: Uint8Array, size: number, name: string): Footer {
  try {
    return decodeFooter(bytes, size, name);
  } catch (error) {
    if (error instanceof ThriftError) throw invalidCheckpoint(name, `has a broken footer: it ${error.message}`);
    throw error;
  }
}

function decodeFooter(bytes: Uint8Array, size: number, name: string): Footer {
  const struct = readStruct(bytes);
  if (findField(struct, FILE_META.encryptionAlgorithm) !== undefined)
    throw invalidCheckpoint(name, 'has encrypted columns; decrypt it before it is merged');
  checkFileFields(struct);
  const { columns, leaves } = readSchema(required(struct, FILE_META.schema), name);
  const rows = required(struct, FILE_META.numRows).integer;
  const dataEnd = size - 8 - bytes.length;
  const rowGroups = readList(required(struct, FILE_META.rowGroups).raw)
    .elements.map(readStruct)
    // Some writers leave an empty one behind, with offsets that mean nothing; nothing further on need know of it.
    .filter((group) => required(group, ROW_GROUP.numRows).integer !== 0)
    .map((group) => decodeRowGroup(group, columns, leaves, dataEnd, name));
  const sum = rowGroups.reduce((total, group) => total + group.rows, 0);
  if (rows < 0 || sum !== rows)
    throw invalidCheckpoint(name, `has a broken footer: ${rows} rows in all, ${sum} in its row groups`);
  const orders = findField(struct, FILE_META.columnOrders);
  const columnOrders = orders === undefined ? null : readList(orders.raw).elements;
  return {
    rows,
    columns,
    leaves,
    rowGroups,
    columnOrders: columnOrders?.length === leaves ? columnOrders : null,
    struct,
  };
}

function decodeRowGroup(
  struct: ThriftStruct,
  columns: Column[],
  leaves: number,
  dataEnd: number,
  name: string,
): RowGroup {
  checkGroupFields(struct);
  const rows = required(struct, ROW_GROUP.numRows).integer;
  const raws = readList(required(struct, ROW_GROUP.columns).raw).elements;
  if (rows < 0 || raws.length !== leaves)
    throw invalidCheckpoint(name, `has a broken footer: a row group of ${raws.length} chunks for ${leaves} columns`);
  const chunks: Chunk[] = [];
  for (const column of columns) {
    // Asked for only where a column has more than one of them, or levels: most have not.
    const inside = column.nested ? leavesOf(column) : null;
    for (let i = 0; i < column.leaves; i++)
      chunks.push(decodeChunk(raws[column.firstLeaf + i]!, column, inside?.[i] ?? null, rows, dataEnd, name));
  }
  return { rows, chunks };
}

/** `leaf` is null for a flat column. */
function decodeChunk(
  raw: Uint8Array,
  column: Column,
  leaf: Leaf | null,
  rows: number,
  dataEnd: number,
  name: string,
): Chunk {
  const struct = readStruct(raw);
  const broken = (what: string): Error => invalidCheckpoint(name, `has a broken footer: ${what}`, column.name);
  if (findField(struct, COLUMN_CHUNK.cryptoMetadata) ?? findField(struct, COLUMN_CHUNK.encryptedMetadata))
    throw invalidCheckpoint(
      name,
      `has the encrypted column ${column.name}; decrypt it before it is merged`,
      column.name,
    );
  if (findField(struct, COLUMN_CHUNK.filePath) !== undefined)
    throw invalidCheckpoint(name, `keeps column ${column.name} in another file`, column.name);
  const meta = readStruct(required(struct, COLUMN_CHUNK.metaData).raw);
  checkChunkFields(struct, meta);
  required(meta, COLUMN_META.codec);
  const dataPage = required(meta, COLUMN_META.dataPageOffset).integer;
  const dictionaryPage = integerOf(meta, COLUMN_META.dictionaryPageOffset) ?? 0;
  const start = dictionaryPage > 0 ? Math.min(dictionaryPage, dataPage) : dataPage;
  const length = required(meta, COLUMN_META.totalCompressedSize).integer;
  if (length < 0 || start < 4 || start + length > dataEnd)
    throw broken(`column ${column.name} is said to lie outside of the file's data`);
  const values = required(meta, COLUMN_META.numValues).integer;
  if (values < 0 || (values > 0 && length === 0))
    throw broken(`column ${column.name} has ${values} values in ${length} bytes`);
  if (leaf === null ? values !== rows : values < rows)
    throw broken(`column ${column.name} has ${values} values in a row group of ${rows} rows`);
  if (required(meta, COLUMN_META.type).integer !== (leaf?.physicalType ?? column.physicalType))
    throw broken(`column ${column.name} has another type in its chunk than in the schema`);
  const path = readList(required(meta, COLUMN_META.pathInSchema).raw).elements;
  const expected = leaf?.path ?? [column.name];
  if (path.length !== expected.length || path.some((part, i) => readText(part) !== expected[i]))
    throw broken(`column ${column.name} stands under another name in its chunk`);
  const uncompressedLength = required(meta, COLUMN_META.totalUncompressedSize).integer;
  // A page cannot begin behind its chunk, wherever the chunk's length says that it ends.
  if (uncompressedLength < 0 || dictionaryPage < 0 || Math.max(dataPage, dictionaryPage) > start + length)
    throw broken(`column ${column.name} has its pages outside of its chunk`);
  return { start, length, uncompressedLength, values, indexes: pageIndexRanges(struct), raw };
}

function required(struct: ThriftStruct, id: number): ThriftField {
  const field = findField(struct, id);
  if (field === undefined) throw new ThriftError(`lacks the required field ${id}`);
  return field;
}
