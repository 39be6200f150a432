/**
 * Takes page indexes over into the output: column indexes byte for byte, offset indexes moved with their pages. All of them lie together
 * behind the last row group, first the column indexes, then the offset indexes, since readers fetch them as one range.
 */
import { open } from 'node:fs/promises';
import type { Chunk } from './parquet/footer.ts';
import type { ByteRange } from './parquet/layout.ts';
import { checkColumnIndex, moveOffsetIndex, readOffsetIndex, type PageIndexRanges } from './parquet/page-index.ts';
import { readAtFrom, readRanges } from './parquet/read-ranges.ts';
import { ThriftError } from './parquet/thrift-cursor.ts';
import type { FileTail } from './system/file-tail.ts';

const BUFFER_BYTES = 1024 ** 2;
const MOST_HELD_BYTES = 4 * 1024 ** 2;

/** A chunk that has been written, and by how many bytes it has moved. */
export interface MovedChunk {
  /** The file that it comes from, and the rows of its row group. */
  path: string;
  rows: number;
  /** Null for a leaf of a nested column. */
  physicalType: number | null;
  chunk: Chunk;
  shift: number;
  keepBounds: boolean;
  /** Where its indexes lie in the output; null where it has none, or none that can be true. */
  indexes: PageIndexRanges | null;
}

/**
 * Writes the indexes of `moved` (in the order of the output) to `tail`, and sets their `indexes`. An index that cannot be true is left out. Memory: 8 MiB, whatever the number of indexes.
 */
export async function writePageIndexes(tail: FileTail, moved: MovedChunk[]): Promise<void> {
  const indexed = moved.filter(({ chunk }) => chunk.indexes !== null);
  const writer = new AppendBuffer(tail);
  const held = new Map<MovedChunk, Uint8Array>();
  let heldBytes = 0;
  for await (const [own, offsetIndex, columnIndex] of readBoth(indexed)) {
    const target = { ...own.chunk, rows: own.rows, physicalType: own.physicalType };
    const pages = orNull(() => readOffsetIndex(offsetIndex, target));
    if (pages === null) continue;
    own.indexes = { offset: own.chunk.indexes!.offset, column: null };
    if (heldBytes < MOST_HELD_BYTES) {
      const target = moveOffsetIndex(offsetIndex, own.shift);
      held.set(own, target);
      heldBytes += target.length;
    }
    if (columnIndex === null || !own.keepBounds) continue;
    if (orNull(() => (checkColumnIndex(columnIndex, pages.length, target), true)) !== null)
      own.indexes.column = await writer.append(columnIndex);
  }
  for (const [own, target] of held) own.indexes!.offset = await writer.append(target);
  // Files of many millions of rows have more of them than are to be held.
  for await (const [own, offsetIndex] of readBoth(indexed.filter((own) => own.indexes !== null && !held.has(own)))) {
    const target = orNull(() => moveOffsetIndex(offsetIndex, own.shift));
    // A file that changes while it is merged.
    if (target === null) own.indexes = null;
    else own.indexes!.offset = await writer.append(target);
  }
  await writer.flush();
}

const orNull = <T>(read: () => T): T | null => {
  try {
    return read();
  } catch (error) {
    if (error instanceof ThriftError) return null;
    throw error;
  }
};

type Indexed = [own: MovedChunk, offsetIndex: Uint8Array, columnIndex: Uint8Array | null];

/** File by file, as they come. */
async function* readBoth(indexed: MovedChunk[]): AsyncGenerator<Indexed> {
  for (let first = 0, next = 0; first < indexed.length; first = next) {
    const { path } = indexed[first]!;
    while (next < indexed.length && indexed[next]!.path === path) next++;
    const own = indexed.slice(first, next);
    const source = await open(path, 'r');
    try {
      const offsets = readRanges(
        readAtFrom(source),
        own.map(({ chunk }) => chunk.indexes!.offset),
      );
      const columns = readRanges(
        readAtFrom(source),
        own.flatMap(({ chunk }) => chunk.indexes!.column ?? []),
      );
      for (const one of own) {
        const offsetIndex = (await offsets.next()).value as Uint8Array;
        const columnIndex = one.chunk.indexes!.column && ((await columns.next()).value as Uint8Array);
        yield [one, offsetIndex, columnIndex];
      }
    } finally {
      await source.close();
    }
  }
}

class AppendBuffer {
  readonly #tail: FileTail;
  #pieces: Uint8Array[] = [];
  #held = 0;
  constructor(tail: FileTail) {
    this.#tail = tail;
  }
  /** Takes a copy. */
  async append(bytes: Uint8Array): Promise<ByteRange> {
    const range = { start: this.#tail.end + this.#held, length: bytes.length };
    this.#pieces.push(Uint8Array.from(bytes));
    this.#held += bytes.length;
    if (this.#held >= BUFFER_BYTES) await this.flush();
    return range;
  }
  async flush(): Promise<void> {
    await this.#tail.append(Buffer.concat(this.#pieces));
    this.#pieces = [];
    this.#held = 0;
  }
}
