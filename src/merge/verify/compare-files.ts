/**
 * Compares what was taken over with its sources, file by file: in this thread, and in a second one where there is much of it.
 * What another thread need not know is looked up here: the chunks' metadata, and which blocks the output shares.
 */
import {
  expectBeginning,
  MOST_RANGE_BYTES,
  type Beginning,
  type ChunksCheck,
  type ComparedRange,
} from './compare-chunks.ts';
import { combineCrc32, crc32 } from '../crc32.ts';
import type { Crew } from '../crew/crew.ts';
import { inParallel } from '../crew/in-parallel.ts';
import type { Chunk } from '../parquet/footer.ts';
import type { ExpectedPages } from '../parquet/page-header.ts';
import type { Checkpoint } from '../plan.ts';
import type { DiskReader } from '../system/disk-reader.ts';
import { ExtentMap } from '../system/extents.ts';
import { NearbyFile } from '../system/nearby-file.ts';
import { SharedBlocks } from '../system/shared-blocks.ts';

/** Handed to the other thread, which compares it while this one is at something that takes tens of milliseconds; and as many files at most. */
const HANDED_BYTES = 256 * 1024 * 1024;
const HANDED_FILES = 64;

/** A chunk of the output and the one of the source that it must equal. */
export interface ChunkPair {
  column: string;
  source: Chunk;
  output: Chunk;
  pages: ExpectedPages;
  /** Where its checksum goes; bytes of several chunks of one entry continue each other. */
  sum: Checksum;
}

/** A checkpoint that was taken over. */
export interface CopiedFile {
  checkpoint: Checkpoint;
  /** In the order of the output; throws OutputMismatch where one is described otherwise. Asked for once. */
  pairs: () => ChunkPair[];
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

export interface CompareRequest {
  output: DiskReader;
  files: CopiedFile[];
  /** This thread, and another one, where there is one to help. */
  own: Crew;
  helper: Crew | null;
  /** What is to be checked of the whole meanwhile; what it finds comes before what is found in the files. */
  beside: () => Promise<void>;
  onBytes: (bytes: number) => void;
  onDone: (checkpoint: Checkpoint) => void;
}

/** Throws OutputMismatch, naming the column, InputChanged, CheckpointInvalid: of the first file of which there is something to say. */
export async function compareFiles(request: CompareRequest): Promise<void> {
  const { files, own, helper, beside } = request;
  const free = helper === null ? [own] : [...Array.from({ length: handedFiles(files) }, () => helper), own];
  if (files[0] !== undefined) expectBeginning(beginningOf(files[0]));
  const extents = new ExtentMap(request.output.handle.fd);
  let isWrong = false;
  const whole = beside().catch((error: unknown) => {
    isWrong = true;
    throw error;
  });
  const compared = inParallel(files.entries(), free.length, async ([i, file]) => {
    if (isWrong) return;
    const lane = free.pop()!;
    try {
      // The helper goes on with the next one; who asks for the next when it has done takes one of the next two.
      await compareFile(file, files.slice(i + 1, i + (lane === helper ? 2 : 3)), extents, lane, request);
      request.onDone(file.checkpoint);
    } finally {
      free.push(lane);
    }
  });
  await Promise.allSettled([whole, compared]);
  await whole;
  await compared;
}

const beginningOf = ({ checkpoint: { path, footer } }: CopiedFile): Beginning => ({
  path,
  start: footer.rowGroups[0]?.chunks[0]?.start ?? 0,
});

const handedFiles = (files: CopiedFile[]): number => {
  const bytes = files.reduce((sum, { checkpoint }) => sum + checkpoint.fingerprint.size, 0);
  return Math.max(2, Math.min(HANDED_FILES, Math.floor((HANDED_BYTES * files.length) / Math.max(1, bytes))));
};

async function compareFile(
  { checkpoint: { path, name }, pairs }: CopiedFile,
  next: CopiedFile[],
  extents: ExtentMap,
  lane: Crew,
  { output, onBytes }: CompareRequest,
): Promise<void> {
  const own = pairs();
  const ranges = withSharing(rangesOf(own), path, extents);
  const chunks = own.map(({ column, pages }) => ({ column, pages }));
  const check: ChunksCheck = {
    path,
    name,
    output: output.lend(),
    ranges,
    chunks,
    next: next.map(beginningOf),
  };
  const crcs = await lane.run('bytes', check, onBytes);
  for (const [i, { source, sum }] of own.entries()) sum.append(crcs[i]!, source.length);
}

function withSharing(ranges: Omit<ComparedRange, 'shared'>[], path: string, extents: ExtentMap): ComparedRange[] {
  using source = new NearbyFile(path);
  const blocks = new SharedBlocks(new ExtentMap(source.fd), extents);
  return ranges.map((range) => ({ ...range, shared: blocks.holdBoth(range.source, range.output, range.length) }));
}

/** Ranges that are contiguous in the source and in the output. */
function rangesOf(pairs: ChunkPair[]): Omit<ComparedRange, 'shared'>[] {
  const ranges: Omit<ComparedRange, 'shared'>[] = [];
  for (const { source, output } of pairs)
    for (let done = 0; done < source.length;) {
      const [from, to] = [source.start + done, output.start + done];
      let range = ranges.at(-1);
      const continues =
        range !== undefined &&
        range.source + range.length === from &&
        range.output + range.length === to &&
        range.length < MOST_RANGE_BYTES;
      if (!continues) ranges.push((range = { source: from, output: to, length: 0 }));
      const length = Math.min(source.length - done, MOST_RANGE_BYTES - range!.length);
      range!.length += length;
      done += length;
    }
  return ranges;
}
