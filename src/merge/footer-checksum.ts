import { crc32 } from 'node:zlib';
import { formatCrc32 } from './crc32.ts';
import { alignedBuffer } from './system/aligned-buffer.ts';
import type { DiskReader } from './system/disk-reader.ts';

const BUFFER_BYTES = 2 * 1024 * 1024;
/** The footer's length and the magic. */
const TAIL_BYTES = 8;

/**
 * CRC-32, in hexadecimal digits, of a Parquet file's footer as it stands on the disk, with its length and the closing magic. A length that
 * cannot be right, of a file that was damaged, covers what is there.
 */
export async function footerChecksum(disk: DiskReader): Promise<string> {
  const { size } = await disk.handle.stat();
  const buffer = alignedBuffer(BUFFER_BYTES);
  const tail = await disk.read(buffer, Math.max(0, size - TAIL_BYTES), Math.min(size, TAIL_BYTES));
  const length = tail.length < TAIL_BYTES ? 0 : tail.readUInt32LE(0);
  let crc = 0;
  for (let at = Math.max(0, size - TAIL_BYTES - length); at < size;) {
    const part = await disk.read(buffer, at, Math.min(BUFFER_BYTES, size - at));
    if (part.length === 0) break;
    crc = crc32(part, crc);
    at += part.length;
  }
  return formatCrc32(crc);
}
