/**
 * What an engine has written itself and not taken over from a checkpoint, by checksums of the bytes that it handed to the system.
 * Verification holds them against what the disk gives back: so that bits count, too, that no value depends on.
 */
import { open } from 'node:fs/promises';
import { crc32, formatCrc32 } from './crc32.ts';
import { dataEnd, rangeChecksum } from './footer-checksum.ts';
import type { Footer } from './parquet/footer.ts';
import type { DiskReader } from './system/disk-reader.ts';
import { mismatch } from './verify/footer.ts';

export interface Written {
  /** Of the last `bytes` bytes of the output: all behind its last column chunk at least, the whole file where nothing was taken over. */
  tail: { bytes: number; crc32: string };
  /** Columns of the output, by index, whose chunks were written: their checksums, one a row group. */
  columns: { index: number; crc32: string[] }[];
}

const BUFFER_BYTES = 1024 * 1024;

/** Of a file that a program has just written: what the system gives back of it now. Throws the signal's reason. */
export async function readWritten(path: string, signal: AbortSignal | undefined): Promise<Written> {
  const handle = await open(path, 'r');
  try {
    const buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
    let [crc, bytes] = [0, 0];
    for (;;) {
      signal?.throwIfAborted();
      const { bytesRead } = await handle.read(buffer, 0, BUFFER_BYTES, bytes);
      if (bytesRead === 0) return { tail: { bytes, crc32: formatCrc32(crc) }, columns: [] };
      crc = crc32(buffer.subarray(0, bytesRead), crc);
      bytes += bytesRead;
    }
  } finally {
    await handle.close();
  }
}

/** Throws OutputMismatch where the disk gives back another end of the output than was written, and the signal's reason. */
export async function checkTail(disk: DiskReader, { tail }: Written, signal?: AbortSignal): Promise<void> {
  const { size } = await disk.handle.stat();
  if (size < tail.bytes || (await rangeChecksum(disk, size - tail.bytes, size, signal)) !== tail.crc32)
    throw mismatch(`its last ${tail.bytes} bytes are not on the disk as they were written`);
}

/** Throws OutputMismatch where something lies behind the last column that nobody has a checksum of. */
export function checkTailIsWhole(footer: Footer, size: number, { tail }: Written): void {
  const end = dataEnd(footer);
  if (size - tail.bytes > end)
    throw mismatch(`it has ${size - tail.bytes - end} bytes behind its last column that were not written`);
}
