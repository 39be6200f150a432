/**
 * Puts the rows of one checkpoint in the order of the spine: decodes, picks and encodes a column at a time. Memory: that of
 * one column, twice. No database is asked: to sort the rows of a file takes it several times as long as to read and write them.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { crc32 } from '../crc32.ts';
import type { TaskContext } from '../crew/tasks.ts';
import { invalidCheckpoint, isOutOfMemory, MergeFailure } from '../errors.ts';
import { readChunkBytes } from '../parquet/chunk-bytes.ts';
import { boundsSurvive } from '../parquet/bounds.ts';
import { readFooterOf, type Footer } from '../parquet/footer.ts';
import { codecOf } from '../parquet/physical-view.ts';
import { moveSchema, TYPE_DEFINED_ORDER } from '../parquet/rewrite.ts';
import type { Column } from '../parquet/schema.ts';
import { encodeFooter } from '../parquet/write-footer.ts';
import { temporaryPartPath } from '../part-file.ts';
import type { ReadableFile } from '../system/disk-file.ts';
import { NearbyFile } from '../system/nearby-file.ts';
import { takeTurn } from '../system/take-turn.ts';
import { cellTypeOf } from './cells.ts';
import { describeChunk } from './describe-chunk.ts';
import { encodeChunk, packedCodec } from './encode-chunk.ts';
import { pickRows, type PickedRows } from './pick-rows.ts';
import { ColumnDecoder, type StoredColumn } from './stored-column.ts';

/** Of a whole part: its length, and its CRC-32 as it was written. */
export interface PartSum {
  bytes: number;
  crc32: number;
}

/** Plain data: it goes to another thread. */
export interface GatherTask {
  /** The checkpoint, and what errors call it. */
  path: string;
  name: string;
  /** Indexes of the columns in its footer. */
  columns: number[];
  /** For each row of the spine the checkpoint's row, or -1; null where the rows are the same, in other row groups. */
  rowOf: Int32Array | null;
  /** Rows of each row group of the output, each > 0. */
  rowGroupRows: number[];
  /** A path for each row group of the output; null where that part is on disk. */
  partPaths: (string | null)[];
}

/**
 * Writes the parts at their temporary paths and gives their sums. Throws MergeFailure CheckpointInvalid, MemoryExhausted, and the signal's
 * reason.
 */
export async function gatherParts(task: GatherTask, { signal }: TaskContext): Promise<(PartSum | null)[]> {
  using source = new NearbyFile(task.path);
  const footer = await readFooterOf(source, task.name);
  const columns = task.columns.map((index) => footer.columns[index]!);
  const writers: (PartWriter | null)[] = [];
  for (const path of task.partPaths) writers.push(path === null ? null : await PartWriter.begin(path));
  const pick = rowPicker(task);
  for (const column of columns) {
    // Nothing below waits, and this may be the thread that has the signal.
    await takeTurn();
    signal?.throwIfAborted();
    const stored = await readStored(source, footer, column, task.name);
    const codec = packedCodec(codecOf(footer.rowGroups[0]!.chunks[column.firstLeaf]!));
    for (const [group, writer] of writers.entries()) {
      if (writer === null) continue;
      const picked = pick(stored.nulls, group);
      const bounded = boundsSurvive(column);
      writer.add(column, encodeChunk({ column: stored, picked, codec, bounded }), codec);
    }
  }
  return writers.map((writer, group) => writer?.finish(columns, task.rowGroupRows[group]!) ?? null);
}

/** Of the rows of a row group; for columns without nulls they are picked once, since most are. */
function rowPicker({ rowOf, rowGroupRows }: GatherTask): (nulls: StoredColumn['nulls'], group: number) => PickedRows {
  let firstRow = 0;
  const starts = rowGroupRows.map((rows) => (firstRow += rows) - rows);
  const whole: PickedRows[] = [];
  return (nulls, group) => {
    const pick = (): PickedRows => pickRows(nulls, rowOf, starts[group]!, rowGroupRows[group]!);
    return nulls === null ? (whole[group] ??= pick()) : pick();
  };
}

async function readStored(file: ReadableFile, footer: Footer, column: Column, name: string): Promise<StoredColumn> {
  try {
    const decoder = new ColumnDecoder(cellTypeOf(column)!, column, footer.rows);
    for (const { chunks, rows } of footer.rowGroups) {
      const chunk = chunks[column.firstLeaf]!;
      decoder.addChunk(await readChunkBytes(file, chunk, column, name), chunk, rows);
    }
    return decoder.finish();
  } catch (error) {
    if (error instanceof MergeFailure) throw error;
    if (isOutOfMemory(error))
      throw new MergeFailure(
        'MemoryExhausted',
        `${name}: column ${column.name} has ${footer.rows} rows, more than there is memory for`,
        { file: name, column: column.name },
        { cause: error },
      );
    // Whatever the decoder trips over is what the file's bytes made it do.
    const why = error instanceof Error ? error.message : String(error);
    throw invalidCheckpoint(name, `column ${column.name} cannot be read: ${why}`, column.name);
  }
}

/** Chunks one behind the other, each written at once: the footer comes last, and its sum with it. */
class PartWriter {
  private readonly path: string;
  private readonly sum: PartSum = { bytes: 0, crc32: 0 };
  private readonly chunks: Uint8Array[] = [];
  private compressedBytes = 0;
  private uncompressedBytes = 0;

  private constructor(path: string) {
    this.path = path;
  }

  static async begin(partPath: string): Promise<PartWriter> {
    const writer = new PartWriter(temporaryPartPath(partPath));
    await rm(writer.path, { force: true });
    writer.append([Buffer.from('PAR1', 'latin1')]);
    return writer;
  }

  add(column: Column, chunk: ReturnType<typeof encodeChunk>, codec: number): void {
    this.chunks.push(describeChunk(column, chunk, codec, this.sum.bytes));
    this.compressedBytes += chunk.bytes;
    this.uncompressedBytes += chunk.uncompressedBytes;
    this.append(chunk.pieces);
  }

  finish(columns: Column[], rows: number): PartSum {
    const { chunks, compressedBytes, uncompressedBytes } = this;
    const footer = encodeFooter({
      rows,
      topLevelColumns: columns.length,
      schema: columns.flatMap((column) => moveSchema(column, { optional: true, keepFieldIds: false })),
      rowGroups: [{ rows, chunks, uncompressedBytes, compressedBytes, start: 4 }],
      columnOrders: columns.map(() => TYPE_DEFINED_ORDER),
      metadata: {},
      createdBy: 'widemerge part',
    });
    this.append([footer]);
    return this.sum;
  }

  /**
   * A part for each row group: with many of them there are fewer files open at a time than parts. In this thread: the kernel takes what is
   * written into memory.
   */
  private append(pieces: Uint8Array[]): void {
    const file = openSync(this.path, 'a', 0o600);
    try {
      for (const piece of pieces) {
        for (let done = 0; done < piece.length;) done += writeSync(file, piece, done);
        this.sum.bytes += piece.length;
        this.sum.crc32 = crc32(piece, this.sum.crc32);
      }
    } finally {
      closeSync(file);
    }
  }
}
