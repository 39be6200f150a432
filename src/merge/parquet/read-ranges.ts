import type { FileHandle } from 'node:fs/promises';
import type { ByteRange } from './layout.ts';

const WINDOW_BYTES = 1024 ** 2;
/** Further apart than that, two ranges are read by themselves. */
const GAP_BYTES = 64 * 1024;

/** At most `length` bytes from `start` on; fewer at the end of the file. */
export type ReadAt = (start: number, length: number) => Promise<Uint8Array>;

export const readAtFrom =
  (file: FileHandle): ReadAt =>
  async (start, length) => {
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(length), 0, length, start);
    return buffer.subarray(0, bytesRead);
  };

/**
 * The bytes of many small ranges, in their order: neighbours are read at once, at most 1 MiB of them, or one range that is longer.
 * Each is good until the next is asked for; shorter than its range where the file ends.
 */
export async function* readRanges(readAt: ReadAt, ranges: ByteRange[]): AsyncGenerator<Uint8Array> {
  let window: ByteRange = { start: 0, length: 0 };
  let bytes = new Uint8Array(0);
  for (const [i, range] of ranges.entries()) {
    const { start, length } = range;
    if (start < window.start || start + length > window.start + window.length) {
      window = windowAt(ranges, i);
      // A copy: the reader may use its buffer again.
      bytes = window.length === 0 ? bytes : new Uint8Array(await readAt(window.start, window.length));
    }
    yield bytes.subarray(start - window.start, start - window.start + length);
  }
}

function windowAt(ranges: ByteRange[], first: number): ByteRange {
  const { start, length } = ranges[first]!;
  let end = start + length;
  for (const next of ranges.slice(first + 1)) {
    const nextEnd = next.start + next.length;
    if (next.start < end || next.start - end > GAP_BYTES || nextEnd - start > WINDOW_BYTES) break;
    end = nextEnd;
  }
  return { start, length: end - start };
}
