/** Checks that the page indexes of an output are those of its sources: the same bounds, the same pages, where they lie now. */
import { readOffsetIndex as readBySecondParser } from 'hyparquet/src/indexes.js';
import { open, type FileHandle } from 'node:fs/promises';
import { invalidCheckpoint } from '../errors.ts';
import type { Chunk, Footer } from '../parquet/footer.ts';
import { PageWalk, type ExpectedPages } from '../parquet/page-header.ts';
import { PagesSum, readOffsetIndex, type PageLocation } from '../parquet/page-index.ts';
import { readAtFrom, readRanges, type ReadAt } from '../parquet/read-ranges.ts';
import type { Column } from '../parquet/schema.ts';
import { ThriftError } from '../parquet/thrift-cursor.ts';
import type { Checkpoint, MergePlan } from '../plan.ts';
import { alignedBuffer } from '../system/aligned-buffer.ts';
import type { DiskReader } from '../system/disk-reader.ts';
import type { MergeJob } from '../job.ts';
import { mismatch, type ExpectedColumn } from './footer.ts';

const readAtFromDisk =
  (disk: DiskReader): ReadAt =>
  (start, length) =>
    disk.read(alignedBuffer(length), start, length);

/** A chunk of the output, and the one that it was taken over from: null where it was written anew. */
export interface IndexedPair {
  column: string;
  output: Chunk;
  rows: number;
  /** Null for a leaf of a nested column. */
  physicalType: number | null;
  from: { checkpoint: Checkpoint; chunk: Chunk } | null;
}

/** Of what was stitched: all chunks, in the order of the output. Other engines have indexes of their own, which are not looked at. */
export function indexedPairs(
  { spine, checkpoints, aligned }: MergePlan,
  engine: MergeJob['engine'],
  columns: ExpectedColumn[],
  footer: Footer,
): IndexedPair[] {
  if (engine !== 'stitch' && engine !== 'bigquery') return [];
  const keySource = spine.source === null ? null : checkpoints[spine.source]!;
  return footer.rowGroups.flatMap(({ rows, chunks }, group) =>
    columns.flatMap(({ output, source }, index) => {
      const { name, physicalType, firstLeaf, leaves } = output;
      const isTakenOver = source === null || (engine === 'stitch' && aligned[source.checkpoint.index]);
      const checkpoint = source?.checkpoint ?? keySource;
      const column = source?.column ?? keySource?.keys[index];
      return chunks.slice(firstLeaf, firstLeaf + leaves).map((chunk, leaf): IndexedPair => ({
        ...{ column: name, rows, physicalType, output: chunk },
        from:
          isTakenOver && checkpoint != null && column !== undefined
            ? { checkpoint, chunk: checkpoint.footer.rowGroups[group]!.chunks[column.firstLeaf + leaf]! }
            : null,
      }));
    }),
  );
}

/**
 * Pairs in the order of the output. Returns what PageWalk is to find, by the output's chunks that have an offset index: whether an
 * index tells the truth about the pages is seen when they are read. Throws OutputMismatch.
 */
export async function checkPageIndexes(disk: DiskReader, pairs: IndexedPair[]): Promise<Map<Chunk, number>> {
  const expected = new Map<Chunk, number>();
  const indexed = pairs.filter(({ output }) => output.indexes !== null);
  const own = {
    offsets: readRanges(
      readAtFromDisk(disk),
      indexed.map(({ output }) => output.indexes!.offset),
    ),
    columns: readRanges(
      readAtFromDisk(disk),
      indexed.flatMap(({ output }) => output.indexes!.column ?? []),
    ),
  };
  for (let first = 0, next = 0; first < indexed.length; first = next) {
    const checkpoint = requireSource(indexed[first]!).checkpoint;
    while (next < indexed.length && indexed[next]!.from?.checkpoint === checkpoint) next++;
    const source = await open(checkpoint.path, 'r');
    try {
      await checkRun(source, indexed.slice(first, next), own, expected);
    } finally {
      await source.close();
    }
  }
  return expected;
}

type Ranges = AsyncGenerator<Uint8Array>;

async function checkRun(
  source: FileHandle,
  pairs: IndexedPair[],
  own: { offsets: Ranges; columns: Ranges },
  expected: Map<Chunk, number>,
): Promise<void> {
  const chunks = pairs.map((pair) => requireSource(pair).chunk);
  const offsets = readRanges(
    readAtFrom(source),
    chunks.map(({ indexes }) => indexes!.offset),
  );
  const bounds = readRanges(
    readAtFrom(source),
    // Only those that were taken over; the output has fewer where the source's cannot be believed.
    pairs.flatMap(({ output }, i) => (output.indexes!.column === null ? [] : (chunks[i]!.indexes!.column ?? []))),
  );
  for (const [i, pair] of pairs.entries()) {
    const { column, output, rows, physicalType } = pair;
    const chunk = chunks[i]!;
    const written = await nextOf(own.offsets);
    const pages = pagesOf(written, { ...output, rows, physicalType }, column);
    const sourcePages = pagesOf(await nextOf(offsets), { ...chunk, rows, physicalType }, column);
    const shift = output.start - chunk.start;
    if (
      pages.length !== sourcePages.length ||
      !pages.every((page, at) => isMoved(page, sourcePages[at]!, shift)) ||
      !agrees(written, pages)
    )
      throw mismatch(`the offset index of column ${column} is not its source's`, column);
    expected.set(output, sumOf(pages, output.start, physicalType !== null));
    if (output.indexes!.column === null) continue;
    if (chunk.indexes!.column === null || requireSource(pair).checkpoint.footer.columnOrders === null)
      throw mismatch(`column ${column} has a column index that its source has not`, column);
    if (Buffer.compare(await nextOf(own.columns), await nextOf(bounds)) !== 0)
      throw mismatch(`the column index of column ${column} is not its source's`, column);
  }
}

function requireSource({ from, column }: IndexedPair): NonNullable<IndexedPair['from']> {
  if (from === null || from.chunk.indexes === null)
    throw mismatch(`column ${column} has a page index that its source has not`, column);
  return from;
}

const nextOf = async (ranges: Ranges): Promise<Uint8Array> => (await ranges.next()).value as Uint8Array;

function pagesOf(bytes: Uint8Array, chunk: Parameters<typeof readOffsetIndex>[1], column: string): PageLocation[] {
  try {
    return readOffsetIndex(bytes, chunk);
  } catch (error) {
    if (!(error instanceof ThriftError)) throw error;
    throw mismatch(`column ${column} ${error.message}`, column);
  }
}

const isMoved = (page: PageLocation, source: PageLocation, shift: number): boolean =>
  page.offset === source.offset + shift && page.length === source.length && page.firstRow === source.firstRow;

/** Another library reads the same in it. */
function agrees(bytes: Uint8Array, pages: PageLocation[]): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { page_locations: locations } = readBySecondParser({ view, offset: 0 });
  return (
    locations.length === pages.length &&
    locations.every(
      (other, i) =>
        Number(other.offset) === pages[i]!.offset &&
        other.compressed_page_size === pages[i]!.length &&
        Number(other.first_row_index) === pages[i]!.firstRow,
    )
  );
}

function sumOf(pages: PageLocation[], start: number, flat: boolean): number {
  const sum = new PagesSum();
  // How many rows a page of a nested column has is not in its header.
  for (const { offset, length, firstRow } of pages) sum.add(offset - start, length, flat ? firstRow : null);
  return sum.crc;
}

/** Of the pages of `source`, or of any chunk with the same bytes: with what checkPageIndexes has found for `output`. */
export function expectedPages(
  pagesOf: Map<Chunk, number>,
  output: Chunk,
  source: Chunk,
  { nested }: Column,
): ExpectedPages {
  const crc = pagesOf.get(output);
  return {
    bytes: source.length,
    values: source.values,
    index: crc === undefined ? null : { crc, flat: !nested },
  };
}

/** The same for the key, which is read where it was written. Throws CheckpointInvalid, naming the file that it comes from. */
export function keyPageWalk(
  pagesOf: Map<Chunk, number>,
  chunk: Chunk,
  key: Column,
  { spine, checkpoints }: MergePlan,
): (piece: Uint8Array) => void {
  const walk = new PageWalk(expectedPages(pagesOf, chunk, chunk, key));
  return (piece) => {
    try {
      walk.add(piece);
    } catch (error) {
      if (!(error instanceof ThriftError)) throw error;
      const { name } = checkpoints[spine.source!]!;
      throw invalidCheckpoint(name, `has broken pages: column ${key.name} ${error.message}`, key.name);
    }
  };
}
