import { open } from 'node:fs/promises';
import type { AlignDatabase } from './align.ts';
import { sqlText } from './sql.ts';
import { finishPart, temporaryPartPath, wholePart, type Piece } from './part-file.ts';
import { boundsSurvive } from './parquet/bounds.ts';
import { CODEC } from './parquet/decompress.ts';
import { readChunkBytes } from './parquet/chunk-bytes.ts';
import { PHYSICAL, REPETITION } from './parquet/field-ids.ts';
import { encodeFixedChunk, fixedLength } from './parquet/fixed-chunk.ts';
import { readFooter, type Chunk, type Footer } from './parquet/footer.ts';
import { codecOf, renameChunk } from './parquet/physical-view.ts';
import { moveChunk, moveSchema, TYPE_DEFINED_ORDER } from './parquet/rewrite.ts';
import type { Column } from './parquet/schema.ts';
import { decodeChunk } from './parquet/values.ts';
import { encodeFooter } from './parquet/write-footer.ts';
import { writeFully } from './system/write-fully.ts';

/** Columns of one row group of the output, rewritten into a Parquet file of exactly one row group. */
export interface AlignedPart {
  path: string;
  footer: Footer;
  /** Row group of the output. */
  rowGroup: number;
  /** The source's columns that it holds, in order; `footer.columns` are the same in the part. */
  columns: Column[];
  /** Of the columns' chunks, as they were written. */
  crc32: number[];
}

export interface PartRequest {
  path: string;
  columns: Column[];
  rows: number;
  rowGroup: number;
  /** Codec of the source's chunks; kept where DuckDB writes it well. */
  codec: number;
  /** The query that gives the columns' physical values, in order; asked for only where the part is not there. */
  select: () => Promise<string>;
  database: AlignDatabase;
}

/**
 * DuckDB's names; all else becomes zstd. It knows LZ4 in no framing but that of LZ4_RAW, and has no LZO. Brotli it
 * writes at the highest quality, twenty times as slowly as zstd.
 */
const CODEC_NAMES = new Map<number, string>([
  [CODEC.uncompressed, 'uncompressed'],
  [CODEC.snappy, 'snappy'],
  [CODEC.gzip, 'gzip'],
  [CODEC.lz4Raw, 'lz4_raw'],
]);

/** Writes one part, or takes the one that is on disk where it is whole. */
export async function writePart(request: PartRequest): Promise<AlignedPart> {
  const { path, columns, rows, rowGroup, codec, select, database } = request;
  const found = await findPart(path, rowGroup, columns);
  if (found !== null) return found;
  const temporary = temporaryPartPath(path);
  // Twice the rows, and never below a vector of DuckDB: one row group, whatever it rounds.
  const rowGroupSize = Math.max(rows, 2048) * 2;
  await database.run(
    `COPY (${await select()}) TO ${sqlText(temporary)} (FORMAT parquet, COMPRESSION ${CODEC_NAMES.get(codec) ?? 'zstd'}, ROW_GROUP_SIZE ${rowGroupSize})`,
  );
  const chunks = await restoreTypes(temporary, columns, rows);
  const pieces = await finishPart(path, chunks);
  return readPart(path, pieces, rowGroup, columns);
}

/** The part that is on disk; null where it is not whole. */
export async function findPart(path: string, rowGroup: number, columns: Column[]): Promise<AlignedPart | null> {
  const pieces = await wholePart(path);
  return pieces === null ? null : readPart(path, pieces, rowGroup, columns);
}

/** Makes what lies at the part's temporary path the part; `written`: see finishPart. */
export async function takePart(
  path: string,
  rowGroup: number,
  columns: Column[],
  written: number,
): Promise<AlignedPart> {
  const temporary = temporaryPartPath(path);
  const { rowGroups } = await readFooter(temporary, temporary);
  return readPart(path, await finishPart(path, rowGroups[0]!.chunks, written), rowGroup, columns);
}

async function readPart(path: string, pieces: Piece[], rowGroup: number, columns: Column[]): Promise<AlignedPart> {
  const footer = await readFooter(path, path);
  const sums = new Map(pieces.map(({ start, crc32 }) => [start, crc32]));
  const crc32 = footer.rowGroups[0]!.chunks.map(({ start }) => sums.get(start)!);
  return { path, footer, rowGroup, columns, crc32 };
}

/** Gives a part of bare physical values the names and logical types of its columns; checks what DuckDB wrote. Returns its chunks. */
async function restoreTypes(path: string, columns: Column[], rows: number): Promise<Chunk[]> {
  const footer = await readFooter(path, path);
  const group = footer.rowGroups[0];
  // A bug or another version of DuckDB, and nothing that a user could mend.
  if (footer.rowGroups.length !== 1 || group?.rows !== rows || footer.columns.length !== columns.length)
    throw new Error(
      `${path}: DuckDB wrote ${footer.rowGroups.length} row groups, ${footer.rows} rows and ${footer.columns.length} columns where 1, ${rows} and ${columns.length} were asked for`,
    );
  for (const [i, column] of columns.entries()) {
    const written = footer.columns[i]!;
    const expected = fixedLength(column) > 0 ? PHYSICAL.byteArray : column.physicalType;
    if (written.physicalType !== expected || written.repetition !== REPETITION.optional)
      throw new Error(
        `${path}: DuckDB wrote column ${column.name} with physical type ${written.physicalType ?? 'none'} and repetition ${written.repetition} where ${expected ?? 'none'} and ${REPETITION.optional} are needed`,
      );
  }
  const handle = await open(path, 'r+');
  try {
    let end = Math.max(4, ...group.chunks.map(({ start, length }) => start + length));
    const chunks: Chunk[] = [];
    for (const [i, column] of columns.entries()) {
      const written = group.chunks[i]!;
      if (fixedLength(column) === 0) {
        const raw = renameChunk(written, column.name, true);
        chunks.push({ ...written, raw: moveChunk({ ...written, raw }, 0, boundsSurvive(column)) });
        continue;
      }
      // Behind the others: the byte strings that DuckDB wrote are dead bytes then.
      const { kind, values, nulls } = decodeChunk(
        await readChunkBytes(handle, written, footer.columns[i]!, path),
        written,
        footer.columns[i]!,
        rows,
      );
      if (kind !== 'bytes') throw new Error(`${path}: column ${column.name} came back as ${kind}`);
      const own = encodeFixedChunk({ values, nulls }, column, codecOf(written), end);
      await writeFully(handle, own.bytes, end);
      end += own.bytes.length;
      chunks.push(own.chunk);
    }
    const bytes = encodeFooter({
      rows,
      topLevelColumns: columns.length,
      schema: columns.flatMap((column) => moveSchema(column, { optional: true, keepFieldIds: false })),
      rowGroups: [
        {
          rows,
          chunks: chunks.map(({ raw }) => raw),
          uncompressedBytes: chunks.reduce((sum, chunk) => sum + chunk.uncompressedLength, 0),
          compressedBytes: chunks.reduce((sum, chunk) => sum + chunk.length, 0),
          start: chunks[0]!.start,
        },
      ],
      columnOrders: columns.map(() => TYPE_DEFINED_ORDER),
      metadata: {},
      createdBy: 'widemerge part',
    });
    await writeFully(handle, bytes, end);
    await handle.truncate(end + bytes.length);
    return chunks;
  } finally {
    await handle.close();
  }
}
