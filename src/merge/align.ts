/**
 * Alignment: rewrites one checkpoint onto the rows of the spine, one file at a time.
 *
 * DuckDB sees physical values only (see parquet/physical-view.ts) and puts them in another order: bytes in, bytes out,
 * whatever they mean. Names and logical types come back in the part's footer, and values of fixed length their own pages (parquet/fixed-chunk.ts).
 * Nested columns are refused.
 */
import { DuckDBDataChunk, INTEGER } from '@duckdb/node-api';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { duckdbFailure, firstLine, isUnreadable, openDuckdb, type Duckdb } from './duckdb.ts';
import { sqlText } from './sql.ts';
import { invalidCheckpoint } from './errors.ts';
import type { Checkpoint } from './plan.ts';
import { PHYSICAL } from './parquet/field-ids.ts';
import { fixedLength } from './parquet/fixed-chunk.ts';
import type { Footer } from './parquet/footer.ts';
import { codecOf, viewName, writePhysicalView } from './parquet/physical-view.ts';
import type { Column } from './parquet/schema.ts';
import { writePart, type AlignedPart } from './write-part.ts';

export interface AlignDatabase extends Duckdb {
  /** Bytes that DuckDB may take. */
  memoryBytes: number;
}

const MAX_DUCKDB_BYTES = 256 * 1024 * 1024;
const MIN_DUCKDB_BYTES = 64 * 1024 * 1024;

/**
 * Opens the database that aligns, once for all checkpoints of a pair. `memoryBytes` is that of the whole process:
 * DuckDB gets a quarter of it, between 64 and 256 MiB, since more does not make it faster. It spills into `dir`.
 * Its statements end when `signal` is aborted.
 */
export async function openAlignDatabase(
  dir: string,
  memoryBytes: number,
  signal?: AbortSignal,
): Promise<AlignDatabase> {
  const share = Math.min(MAX_DUCKDB_BYTES, Math.max(MIN_DUCKDB_BYTES, Math.floor(memoryBytes / 4)));
  const duckdb = await openDuckdb({ threads: 1, memoryBytes: share, tempDirectory: join(dir, 'spill'), signal });
  return { ...duckdb, memoryBytes: share };
}

export interface AlignRequest {
  checkpoint: Checkpoint;
  /**
   * For each row of the spine the checkpoint's row, counted over all its row groups, or -1 where it has none; null where
   * the rows are the same, in other row groups.
   */
  rowOf: Int32Array | null;
  /** Rows of each row group of the output, each > 0. */
  rowGroupRows: number[];
  /** Folder of the parts; exists. */
  dir: string;
  /** Identifies spine and checkpoint; part of the files' names. */
  partKey: string;
  database: AlignDatabase;
}

/**
 * Writes the columns of a checkpoint (without its key) in the order of the spine: one file per row group of the output
 * and slice of columns, each with one row group, every column OPTIONAL. Parts that are whole on disk are kept.
 * Throws MergeFailure CheckpointInvalid, MemoryExhausted, DiskFull, the system's errors, and the reason of the
 * database's signal.
 */
export async function alignCheckpoint(request: AlignRequest): Promise<AlignedPart[]> {
  const { checkpoint, dir, partKey, database } = request;
  for (const column of checkpoint.columns) refuseUnalignable(column, checkpoint.name);
  const slices = sliceColumns(checkpoint, database.memoryBytes);
  // The view is written and the rows are mapped only if a part is missing.
  const viewPath = join(dir, `.${partKey}.view`);
  let prepared = null as Promise<void> | null;
  const prepare = (): Promise<void> =>
    (prepared ??= (async () => {
      await writePhysicalView(checkpoint.path, checkpoint.footer, checkpoint.columns, viewPath);
      if (request.rowOf !== null) await fillRowMap(database, request.rowOf);
    })());
  const parts: AlignedPart[] = [];
  try {
    let firstRow = 0;
    for (const [rowGroup, rows] of request.rowGroupRows.entries()) {
      for (const { columns, first, codec } of slices)
        parts.push(
          await writePart({
            path: join(dir, `${partKey}-g${rowGroup}-c${first}-${columns.length}.parquet`),
            columns,
            rows,
            rowGroup,
            codec,
            select: async () => {
              await prepare();
              const names = columns.map((_, i) => viewName(first + i));
              return request.rowOf === null
                ? selectRange(viewPath, names, firstRow, rows)
                : selectRows(viewPath, names, firstRow, rows);
            },
            database,
          }),
        );
      firstRow += rows;
    }
    return parts;
  } catch (error) {
    if (isUnreadable(error) || endsBeforeItsPages(error, viewPath))
      throw invalidCheckpoint(
        checkpoint.name,
        // The view is gone, and was never a user's file.
        `cannot be rewritten onto the rows of the others: ${firstLine(error).replaceAll(viewPath, checkpoint.name)}`,
      );
    throw duckdbFailure(error, checkpoint.name);
  } finally {
    if (prepared !== null) {
      await rm(viewPath, { force: true });
      // After an abort, too; what is broken enough makes the database unusable, and that is no news then.
      await database.connection.run('DROP TABLE IF EXISTS row_map').catch(() => undefined);
    }
  }
}

/** Of a view: its pages are said to be longer than it is. Of any other file, one that spills, it would be the disk's fault. */
const endsBeforeItsPages = (error: unknown, viewPath: string): error is Error =>
  error instanceof Error && error.message.startsWith(`IO Error: Could not read enough bytes from file "${viewPath}"`);

function selectRange(viewPath: string, names: string[], firstRow: number, rows: number): string {
  return `SELECT ${names.join(', ')} FROM read_parquet(${sqlText(viewPath)}, file_row_number = true)
    WHERE file_row_number >= ${firstRow} AND file_row_number < ${firstRow + rows}`;
}

function selectRows(viewPath: string, names: string[], firstRow: number, rows: number): string {
  return `SELECT ${names.map((name) => `v.${name}`).join(', ')} FROM row_map m
    LEFT JOIN read_parquet(${sqlText(viewPath)}, file_row_number = true) v ON v.file_row_number = m.source
    WHERE m.position >= ${firstRow} AND m.position < ${firstRow + rows} ORDER BY m.position`;
}

/** Vectors of DuckDB hold this many values. */
const VECTOR_ROWS = 2048;

async function fillRowMap({ run, connection }: AlignDatabase, rowOf: Int32Array): Promise<void> {
  await run('CREATE OR REPLACE TABLE row_map (position INTEGER, source INTEGER)');
  const appender = await connection.createAppender('row_map');
  for (let start = 0; start < rowOf.length; start += VECTOR_ROWS) {
    const sources = Array.from(rowOf.subarray(start, start + VECTOR_ROWS));
    const chunk = DuckDBDataChunk.create([INTEGER, INTEGER], sources.length);
    chunk.setColumnValues(
      0,
      sources.map((_, i) => start + i),
    );
    chunk.setColumnValues(1, sources);
    appender.appendDataChunk(chunk);
  }
  appender.closeSync();
}

function refuseUnalignable(column: Column, file: string): void {
  if (column.nested)
    throw invalidCheckpoint(
      file,
      `has not the rows of the others, and its column ${column.name} is nested or repeated, which cannot be rewritten without changing it; write the file with the same keys and row groups as the others`,
      column.name,
    );
}

interface Slice {
  columns: Column[];
  /** Index of the first among the checkpoint's columns. */
  first: number;
  codec: number;
}

/** DuckDB holds a slice about this many times: joined, sorted, and in its Parquet writer. */
const COPIES_HELD = 4;

/** Cuts columns into slices of one codec whose values fit the memory together; one column at least. */
function sliceColumns({ columns, footer }: Checkpoint, memoryBytes: number): Slice[] {
  const slices: Slice[] = [];
  let sliceBytes = 0;
  for (const [index, column] of columns.entries()) {
    const codec = footer.rowGroups.length === 0 ? 0 : codecOf(footer.rowGroups[0]!.chunks[column.firstLeaf]!);
    const bytes = columnBytes(column, footer) * COPIES_HELD;
    const last = slices.at(-1);
    if (last?.codec === codec && sliceBytes + bytes <= memoryBytes) {
      last.columns.push(column);
      sliceBytes += bytes;
    } else {
      slices.push({ columns: [column], first: index, codec });
      sliceBytes = bytes;
    }
  }
  return slices;
}

/** Bytes of a column's values in DuckDB's vectors. */
function columnBytes(column: Column, footer: Footer): number {
  if (column.physicalType !== PHYSICAL.byteArray && fixedLength(column) === 0) return footer.rows * 8;
  const stored = footer.rowGroups.reduce((sum, { chunks }) => sum + chunks[column.firstLeaf]!.uncompressedLength, 0);
  // 16 bytes of reference each; a dictionary hides how much text the rows have, but the vectors share it, too.
  return footer.rows * 16 + stored;
}
