/**
 * Compares column chunks that were taken over with their source, byte for byte, takes their checksums on the way, and follows
 * their pages. Where the output shares the blocks of the source (XFS, btrfs) there is one copy on the disk, and it is read once.
 */
import { crc32 } from 'node:zlib';
import type { TaskContext } from './crew/tasks.ts';
import { invalidCheckpoint, MergeFailure } from './errors.ts';
import { PageWalk, type ExpectedPages } from './parquet/page-header.ts';
import { ThriftError } from './parquet/thrift.ts';
import { alignedBuffer } from './system/aligned-buffer.ts';
import { readLent, type LentReader } from './system/disk-reader.ts';
import { NearbyFile } from './system/nearby-file.ts';
import { readFully } from './system/read-fully.ts';
import { takeTurn } from './system/take-turn.ts';
import { mismatch } from './verify-footer.ts';

/** Fits a processor's own cache, so that what was read is still there when its checksum is taken. */
export const MOST_RANGE_BYTES = 1024 * 1024;
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
}

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

interface Loaded {
  /** Bytes of the source, and of the output where they are not the same blocks. */
  source: Buffer;
  written: Buffer | null;
  /** Their memory, to be used again. */
  buffers: Buffers;
}

interface Buffers {
  source: Buffer;
  output: Buffer | null;
}

/** Of this thread, kept from file to file: memory that is given back piles up until the next garbage collection. */
const spare: Buffers[] = [];

/** CRC-32 of each chunk. Throws OutputMismatch, naming the column, CheckpointInvalid, InputChanged, and the signal's reason. */
export async function compareChunks(check: ChunksCheck, { signal, onBytes }: TaskContext): Promise<number[]> {
  using source = new NearbyFile(check.path);
  const chunks = new ChunkSequence(check);
  const ahead: { range: ComparedRange; loaded: Promise<Loaded> | null }[] = [];

  const load = async ({ source: from, output: to, length, shared }: ComparedRange): Promise<Loaded> => {
    const buffers = spare.pop() ?? { source: Buffer.allocUnsafeSlow(MOST_RANGE_BYTES), output: null };
    const expected = buffers.source.subarray(0, length);
    if (!shared) buffers.output ??= alignedBuffer(MOST_RANGE_BYTES);
    // Begun first: its disk is waited for by another thread.
    const [output, input] = await Promise.allSettled([
      shared ? null : readLent(check.output, buffers.output!, to, length),
      readFully(source, expected, from),
    ]);
    const [written, bytes] = [valueOf(output), valueOf(input)];
    if (bytes < length)
      throw new MergeFailure('InputChanged', `${check.name}: became shorter while it was merged`, { file: check.name });
    if (written !== null && written.length < length) throw mismatch('it ends before its last column');
    return { source: expected, written, buffers };
  };
  const compareNext = async (): Promise<void> => {
    const { range, loaded } = ahead.shift()!;
    const { source: bytes, written, buffers } = await (loaded ?? load(range));
    chunks.follow(bytes, written);
    spare.push(buffers);
    onBytes(range.length);
    await takeTurn();
  };

  try {
    for (const range of check.ranges) {
      signal?.throwIfAborted();
      const loaded = range.shared ? null : load(range);
      // Met when its turn comes; until then it must not end the process as a rejection that nobody handles.
      loaded?.catch(() => undefined);
      ahead.push({ range, loaded });
      if (ahead.length > READ_AHEAD) await compareNext();
    }
    while (ahead.length > 0) await compareNext();
    return chunks.crcs;
  } finally {
    // After a failure: reads still under way must end before the output is closed.
    await Promise.allSettled(ahead.flatMap(({ loaded }) => loaded ?? []));
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

/** Both reads have ended by then. */
function valueOf<T>(settled: PromiseSettledResult<T>): T {
  if (settled.status === 'rejected') throw settled.reason as Error;
  return settled.value;
}

function firstDifferentByte(a: Buffer, b: Buffer): string {
  const offset = a.findIndex((byte, i) => byte !== b[i]);
  return `${a[offset] ?? '?'} became ${b[offset] ?? '?'} at byte ${offset}`;
}
