import { crc32 } from 'node:zlib';
import { formatCrc32 } from './crc32.ts';
import type { Footer } from './parquet/footer.ts';
import { readRanges, type ReadAt } from './parquet/read-ranges.ts';
import { alignedBuffer, type DiskReader } from './system/disk-reader.ts';

export const readAtFromDisk =
  (disk: DiskReader): ReadAt =>
  (start, length) =>
    disk.read(alignedBuffer(length), start, length);

/**
 * CRC-32, in hexadecimal digits, of the page indexes of a file as they stand on the disk: all column indexes, then all offset indexes,
 * each in the order of row groups and columns. Null where it has none.
 */
export async function indexChecksum(disk: DiskReader, { rowGroups }: Footer): Promise<string | null> {
  const indexes = rowGroups.flatMap(({ chunks }) => chunks.flatMap((chunk) => chunk.indexes ?? []));
  if (indexes.length === 0) return null;
  const ranges = [...indexes.flatMap(({ column }) => column ?? []), ...indexes.map(({ offset }) => offset)];
  let crc = 0;
  for await (const bytes of readRanges(readAtFromDisk(disk), ranges)) crc = crc32(bytes, crc);
  return formatCrc32(crc);
}
