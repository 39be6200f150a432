/**
 * Compares column chunks that were taken over with their source, byte for byte, takes their checksums on the way, and follows
 * their pages. Where the output shares the blocks of the source (XFS, btrfs) there is one copy on the disk, and it is read once.
 */
import { crc32 } from '../crc32.ts';
import type { TaskContext } from '../crew/tasks.ts';
import { invalidCheckpoint, MergeFailure } from '../errors.ts';
import { PageWalk, type ExpectedPages } from '../parquet/page-header.ts';
import { ThriftError } from '../parquet/thrift-cursor.ts';
import { alignedBuffer } from '../system/aligned-buffer.ts';
import { readLent, type LentReader } from '../system/disk-reader.ts';
import { expectRanges, NearbyFile } from '../system/nearby-file.ts';
import { Scratch } from '../system/scratch.ts';
import { takeTurn } from '../system/take-turn.ts';
import { mismatch } from './footer.ts';

/** Of the output that is read at a time. */
export const MOST_RANGE_BYTES = 1024 * 1024;
/** Of the source: fits a processor's own cache, so that what was read is still there when its checksum is taken. */
const PIECE_BYTES = 256 * 1024;
/** Brought into memory of a file that comes next: enough to keep a disk busy. */
const AHEAD_BYTES = 32 * 1024 * 1024;
/** Ranges of the output that are on their way from the disk while one is compared, so that disk and processors work at the same time. */
const READ_AHEAD = 3;

export interface ChunksCheck {
  /** The checkpoint, and what errors call it. */
  path: string;
  name: string;
  /** Of the output. */
  output: LentReader;
  /** Contiguous in both files, at most MOST_RANGE_BYTES long; together they hold the chunks, one behind the other. */
  ranges: ComparedRange[];
  chunks: ComparedChunk[];
  /** What will be compared soon: the disk reads it meanwhile. */
  next: Beginning[];
}

/** Where the columns of a file begin. */
export interface Beginning {
  path: string;
  start: number;
}

/** Has the disk begin to read it. */
export const expectBeginning = ({ path, start }: Beginning): void =>
  expectRanges(path, [{ start, length: AHEAD_BYTES }]);

export interface ComparedRange {
  source: number;
  output: number;
  length: number;
  /** Both lie in the same blocks of the disk. */
  shared: boolean;
}

export interface ComparedChunk {
  column: string;
  pages: ExpectedPages;
}

/** Of this thread, kept from file to file: memory that is given back piles up until the next garbage collection. */
const spare: Buffer[] = [];
const pieces = new Scratch();

/** CRC-32 of each chunk. Throws OutputMismatch, naming the column, CheckpointInvalid, InputChanged, and the signal's reason. */
export async function compareChunks(check: ChunksCheck, { signal, onBytes }: TaskContext): Promise<number[]> {
  using source = new NearbyFile(check.path);
  const chunks = new ChunkSequence(check);
  check.next.forEach(expectBeginning);
  const ahead: { range: ComparedRange; memory: Buffer | null; loading: Promise<Buffer> | null }[] = [];

  const begin = (range: ComparedRange): void => {
    const memory = range.shared ? null : (spare.pop() ?? alignedBuffer(MOST_RANGE_BYTES));
    // Its disk is waited for by another thread.
    const loading = memory === null ? null : readLent(check.output, memory, range.output, range.length);
    // Met when its turn comes; until then it must not end the process as a rejection that nobody handles.
    loading?.catch(() => undefined);
    ahead.push({ range, memory, loading });
  };
  const compareNext = async (): Promise<void> => {
    const { range, memory, loading } = ahead[0]!;
    const written = await loading;
    ahead.shift();
    if (written !== null && written.length < range.length) throw mismatch('it ends before its last column');
    for (let at = 0; at < range.length; at += PIECE_BYTES) {
      const piece = pieces.take(Math.min(PIECE_BYTES, range.length - at), range.source + at);
      if (source.fill(piece, range.source + at) < piece.length)
        throw new MergeFailure('InputChanged', `${check.name}: became shorter while it was merged`, {
          file: check.name,
        });
      chunks.follow(piece, written?.subarray(at) ?? null);
    }
    if (memory !== null) spare.push(memory);
    onBytes(range.length);
    await takeTurn();
  };

  try {
    for (const range of check.ranges) {
      signal?.throwIfAborted();
      begin(range);
      if (ahead.length > READ_AHEAD) await compareNext();
    }
    while (ahead.length > 0) await compareNext();
    return chunks.crcs;
  } finally {
    // After a failure: reads still under way must end before the output is closed.
    await Promise.allSettled(ahead.flatMap(({ loading }) => loading ?? []));
  }
}

/** The chunks of a check, as far as their bytes have gone by. */
class ChunkSequence {
  readonly crcs: number[] = [];
  private readonly check: ChunksCheck;
  private walk: PageWalk | null = null;
  private crc = 0;
  /** Bytes of the current chunk to come. */
  private left = 0;

  constructor(check: ChunksCheck) {
    this.check = check;
  }

  /** The next bytes of the source, and of the output where they may differ. */
  follow(source: Buffer, written: Buffer | null): void {
    for (let at = 0; at < source.length;) {
      const chunk = this.check.chunks[this.crcs.length]!;
      this.walk ??= this.begin(chunk);
      const end = at + Math.min(this.left, source.length - at);
      const piece = source.subarray(at, end);
      if (written !== null) this.compare(piece, written.subarray(at, end), chunk);
      this.crc = crc32(piece, this.crc);
      this.followPages(this.walk, piece, chunk);
      this.left -= piece.length;
      at = end;
      if (this.left > 0) continue;
      this.crcs.push(this.crc);
      this.walk = null;
    }
  }

  private begin({ pages }: ComparedChunk): PageWalk {
    this.crc = 0;
    this.left = pages.bytes;
    return new PageWalk(pages);
  }

  private compare(expected: Buffer, written: Buffer, { column }: ComparedChunk): void {
    if (!expected.equals(written))
      throw mismatch(
        `the bytes of column ${column} are not those of ${this.check.name} (${firstDifferentByte(expected, written)})`,
        column,
      );
  }

  /**
   * A chunk that ends before its pages do can be read in its source, where other bytes follow; in the output other bytes do.
   */
  private followPages(walk: PageWalk, piece: Uint8Array, { column }: ComparedChunk): void {
    try {
      walk.add(piece);
    } catch (error) {
      if (!(error instanceof ThriftError)) throw error;
      throw invalidCheckpoint(this.check.name, `has broken pages: column ${column} ${error.message}`, column);
    }
  }
}

function firstDifferentByte(a: Buffer, b: Buffer): string {
  const offset = a.findIndex((byte, i) => byte !== b[i]);
  return `${a[offset] ?? '?'} became ${b[offset] ?? '?'} at byte ${offset}`;
}
