/**
 * Parts: files of the workspace that survive a kill. A part is trusted only by its sidecar `<part>.ok`, written and
 * fsynced after the part itself, which has the part's size and CRC-32.
 */
import { open, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { syncFolder } from './system/sync-folder.ts';
import { writeDurably } from './system/write-durably.ts';

/** What a part's sidecar says of it. */
export interface PartSum {
  bytes: number;
  crc32: number;
}
const sidecarPath = (partPath: string): string => `${partPath}.ok`;

/** Hidden and of another ending: never taken for a part. */
export const temporaryPartPath = (partPath: string): string => join(dirname(partPath), `.${basename(partPath)}.tmp`);

/** True where the part is on disk, byte for byte as it was finished. */
export async function isPartWhole(partPath: string): Promise<boolean> {
  try {
    const expected = JSON.parse(await readFile(sidecarPath(partPath), 'utf8')) as Partial<PartSum>;
    const actual = await checksum(partPath);
    return actual.bytes === expected.bytes && actual.crc32 === expected.crc32;
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

/**
 * Makes the file at temporaryPartPath() the part: on disk before its sidecar says so. `written`: its sum, where who wrote
 * it took it from the bytes in memory; else it is taken from the file.
 */
export async function finishPart(partPath: string, written?: PartSum): Promise<void> {
  const temporary = temporaryPartPath(partPath);
  const sidecar = sidecarPath(partPath);
  await rm(sidecar, { force: true });
  const sum = written ?? (await checksum(temporary));
  await syncFile(temporary);
  await rename(temporary, partPath);
  await writeDurably(temporaryPartPath(sidecar), JSON.stringify(sum));
  await rename(temporaryPartPath(sidecar), sidecar);
  await syncFolder(dirname(partPath));
}

const BUFFER_BYTES = 1024 * 1024;

async function syncFile(path: string): Promise<void> {
  const handle = await open(path, 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function checksum(path: string): Promise<PartSum> {
  const handle = await open(path, 'r');
  try {
    const buffer = Buffer.allocUnsafe(BUFFER_BYTES);
    const sum: PartSum = { bytes: 0, crc32: 0 };
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, BUFFER_BYTES, sum.bytes);
      if (bytesRead === 0) return sum;
      sum.bytes += bytesRead;
      sum.crc32 = crc32(buffer.subarray(0, bytesRead), sum.crc32);
    }
  } finally {
    await handle.close();
  }
}
