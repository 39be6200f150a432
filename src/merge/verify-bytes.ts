/**
 * Compares column chunks that were taken over with their sources, byte for byte, and takes their checksums on the way.
 * Where the output shares the blocks of a source (XFS, btrfs) there is one copy on the disk, and it is read once. Six ranges
 * are read ahead while one is compared, so that disk and processors work at the same time.
 */
import { open, type FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { combineCrc32 } from './crc32.ts';
import type { Crew } from './crew/crew.ts';
import { invalidCheckpoint, MergeFailure } from './errors.ts';
import type { Chunk } from './parquet/footer.ts';
import type { PageWalk } from './parquet/page-header.ts';
import { ThriftError } from './parquet/thrift.ts';
import type { Checkpoint } from './plan.ts';
import { alignedBuffer } from './system/aligned-buffer.ts';
import type { DiskReader } from './system/disk-reader.ts';
import { readFully } from './system/read-fully.ts';
import { SharedBlocks } from './system/shared-blocks.ts';
import { mismatch } from './verify-footer.ts';

const BUFFER_BYTES = 1024 * 1024;
const READ_AHEAD = 6;

/** A chunk of the output and the one of the source that it must equal. */
export interface ChunkPair {
  checkpoint: Checkpoint;
  column: string;
  source: Chunk;
  output: Chunk;
  /** Through the pages, as far as they have been compared. */
  walk: PageWalk;
  /** Where its checksum goes; bytes of several chunks of one entry continue each other. */
  sum: Checksum;
}

export class Checksum {
  crc = 0;
  bytes = 0;
  add(bytes: Uint8Array): void {
    this.crc = crc32(bytes, this.crc);
    this.bytes += bytes.length;
  }
  append(crc: number, length: number): void {
    this.crc = this.bytes === 0 ? crc : combineCrc32(this.crc, crc, length);
    this.bytes += length;
  }
}

interface Piece {
  pair: ChunkPair;
  length: number;
}

/** A range that is contiguous in the source and in the output, at most BUFFER_BYTES long. */
interface Range {
  checkpoint: Checkpoint;
  sourceStart: number;
  outputStart: number;
  length: number;
  pieces: Piece[];
}

interface Source {
  handle: FileHandle;
  /** Of the source and the output. */
  blocks: SharedBlocks;
}

interface Loaded {
  buffers: { memory: SharedArrayBuffer; source: Buffer; output: Buffer };
  /** The output's bytes: a view of its buffer; null where they are the source's own blocks. */
  written: Buffer | null;
  /** Of the pieces of the source. */
  crcs: number[];
}

/** Pairs in the order of the checkpoints; throws OutputMismatch, naming the column, and InputChanged. */
export async function compareChunks(
  output: DiskReader,
  pairs: Iterable<ChunkPair>,
  hooks: {
    onBytes: (bytes: number) => void;
    onDone: (checkpoint: Checkpoint) => Promise<void>;
    /** Takes the checksums. */
    helper: Crew;
    signal?: AbortSignal | undefined;
  },
): Promise<void> {
  const sources = new Map<Checkpoint, Promise<Source>>();
  const spare: Loaded['buffers'][] = [];
  const pending: { range: Range; loaded: Promise<Loaded> }[] = [];
  let current = null as Checkpoint | null;

  const load = async (range: Range): Promise<Loaded> => {
    const { checkpoint, length } = range;
    let source = sources.get(checkpoint);
    if (source === undefined) sources.set(checkpoint, (source = openSource(checkpoint, output)));
    const { handle, blocks } = await source;
    const shared = blocks.holdBoth(range.sourceStart, range.outputStart, length);
    const buffers = spare.pop() ?? newBuffers();
    const [sourceBytes, written] = await Promise.all([
      readFully(handle, buffers.source.subarray(0, length), range.sourceStart),
      shared ? null : output.read(buffers.output, range.outputStart, length),
    ]);
    if (sourceBytes < length)
      throw new MergeFailure('InputChanged', `${checkpoint.name}: became shorter while it was merged`, {
        file: checkpoint.name,
      });
    if (written !== null && written.length < length) throw mismatch('it ends before its last column');
    const lengths = range.pieces.map((piece) => piece.length);
    const crcs = await hooks.helper.run('checksums', { memory: buffers.memory, lengths });
    return { buffers, written, crcs };
  };
  const finish = async (checkpoint: Checkpoint): Promise<void> => {
    await (await sources.get(checkpoint))?.handle.close();
    sources.delete(checkpoint);
    await hooks.onDone(checkpoint);
  };
  const compareNext = async (): Promise<void> => {
    const { range, loaded } = pending.shift()!;
    const { buffers, written, crcs } = await loaded;
    if (current !== range.checkpoint) {
      if (current !== null) await finish(current);
      current = range.checkpoint;
    }
    comparePieces(range, buffers.source, written, crcs);
    spare.push(buffers);
    hooks.onBytes(range.length);
  };

  try {
    for (const range of rangesOf(pairs)) {
      hooks.signal?.throwIfAborted();
      const loaded = load(range);
      // Met when its turn comes; until then it must not end the process as a rejection that nobody handles.
      loaded.catch(() => undefined);
      pending.push({ range, loaded });
      if (pending.length > READ_AHEAD) await compareNext();
    }
    while (pending.length > 0) await compareNext();
    if (current !== null) await finish(current);
  } finally {
    // After a failure: reads still under way must end before their files are closed.
    await Promise.allSettled(pending.map(({ loaded }) => loaded));
    for (const source of sources.values()) await (await source.catch(() => null))?.handle.close();
  }
}

async function openSource({ path }: Checkpoint, output: DiskReader): Promise<Source> {
  const handle = await open(path, 'r');
  return { handle, blocks: new SharedBlocks(handle.fd, output.handle.fd) };
}

function newBuffers(): Loaded['buffers'] {
  const memory = new SharedArrayBuffer(BUFFER_BYTES);
  return { memory, source: Buffer.from(memory), output: alignedBuffer(BUFFER_BYTES) };
}

function comparePieces({ pieces }: Range, source: Buffer, output: Buffer | null, crcs: number[]): void {
  let at = 0;
  for (const [i, { pair, length }] of pieces.entries()) {
    const expected = source.subarray(at, at + length);
    const written = output?.subarray(at, at + length) ?? expected;
    if (!expected.equals(written))
      throw mismatch(
        `the bytes of column ${pair.column} are not those of ${pair.checkpoint.name} (${firstDifferentByte(expected, written)})`,
        pair.column,
      );
    pair.sum.append(crcs[i]!, length);
    followPages(pair, expected);
    at += length;
  }
}

/**
 * A chunk that ends before its pages do can be read in its source, where other bytes follow; in the output other bytes do.
 */
function followPages(pair: ChunkPair, piece: Uint8Array): void {
  const { checkpoint, column, walk } = pair;
  try {
    walk.add(piece);
  } catch (error) {
    if (!(error instanceof ThriftError)) throw error;
    throw invalidCheckpoint(checkpoint.name, `has broken pages: column ${column} ${error.message}`, column);
  }
}

function firstDifferentByte(a: Buffer, b: Buffer): string {
  const offset = a.findIndex((byte, i) => byte !== b[i]);
  return `${a[offset] ?? '?'} became ${b[offset] ?? '?'} at byte ${offset}`;
}

function* rangesOf(pairs: Iterable<ChunkPair>): Generator<Range> {
  let range: Range | null = null;
  for (const pair of pairs) {
    for (let done = 0; done < pair.source.length;) {
      const sourceStart = pair.source.start + done;
      const outputStart = pair.output.start + done;
      const continues =
        range?.checkpoint === pair.checkpoint &&
        range.sourceStart + range.length === sourceStart &&
        range.outputStart + range.length === outputStart &&
        range.length < BUFFER_BYTES;
      if (!continues) {
        if (range !== null) yield range;
        range = { checkpoint: pair.checkpoint, sourceStart, outputStart, length: 0, pieces: [] };
      }
      const room = BUFFER_BYTES - range!.length;
      const length = Math.min(pair.source.length - done, room);
      done += length;
      range!.pieces.push({ pair, length });
      range!.length += length;
    }
  }
  if (range !== null) yield range;
}
