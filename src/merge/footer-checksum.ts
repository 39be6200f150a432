import { crc32, formatCrc32 } from './crc32.ts';
import type { Footer } from './parquet/footer.ts';
import { alignedBuffer } from './system/aligned-buffer.ts';
import type { DiskReader } from './system/disk-reader.ts';

const BUFFER_BYTES = 2 * 1024 * 1024;
/** The footer's length and the magic. */
const TAIL_BYTES = 8;

/** CRC-32, in hexadecimal digits, of the bytes from `start` to `end` as they stand on the disk; of fewer where the file ends before. */
export async function rangeChecksum(
  disk: DiskReader,
  start: number,
  end: number,
  signal?: AbortSignal,
): Promise<string> {
  const buffer = alignedBuffer(Math.min(BUFFER_BYTES, end - start));
  let crc = 0;
  for (let at = start; at < end;) {
    signal?.throwIfAborted();
    const part = await disk.read(buffer, at, Math.min(BUFFER_BYTES, end - at));
    if (part.length === 0) break;
    crc = crc32(part, crc);
    at += part.length;
  }
  return formatCrc32(crc);
}

/**
 * The CRC-32 of a Parquet file's footer with its length and the closing magic, and where it begins. A length that cannot be right, of a
 * file that was damaged, covers what is there.
 */
export async function footerChecksum(disk: DiskReader): Promise<{ start: number; crc32: string }> {
  const { size } = await disk.handle.stat();
  const tail = await disk.read(alignedBuffer(TAIL_BYTES), Math.max(0, size - TAIL_BYTES), Math.min(size, TAIL_BYTES));
  const length = tail.length < TAIL_BYTES ? 0 : tail.readUInt32LE(0);
  const start = Math.max(0, size - TAIL_BYTES - length);
  return { start, crc32: await rangeChecksum(disk, start, size) };
}

/** Where the last column chunk of a file ends; behind it are indexes and filters, where there are any, and the footer. */
export const dataEnd = ({ rowGroups }: Footer): number =>
  rowGroups.reduce(
    (end, { chunks }) => chunks.reduce((most, { start, length }) => Math.max(most, start + length), end),
    4,
  );
