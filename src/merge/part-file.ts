/**
 * Parts: files of the workspace that survive a kill. A part is trusted only by its sidecar `<part>.ok`, written and
 * fsynced after the part itself, which has the part's size and CRC-32.
 */
import { open, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { syncFolder } from './system/sync-folder.ts';
import { writeDurably } from './system/write-durably.ts';

interface Sidecar {
  bytes: number;
  crc32: number;
}
const sidecarPath = (partPath: string): string => `${partPath}.ok`;

/** Hidden and of another ending: never taken for a part. */
export const temporaryPartPath = (partPath: string): string => join(dirname(partPath), `.${basename(partPath)}.tmp`);

/** True where the part is on disk, byte for byte as it was finished. */
export async function isPartWhole(partPath: string): Promise<boolean> {
  try {
    const expected = JSON.parse(await readFile(sidecarPath(partPath), 'utf8')) as Partial<Sidecar>;
    const actual = await checksum(partPath);
    return actual.bytes === expected.bytes && actual.crc32 === expected.crc32;
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

/** Makes the file at temporaryPartPath() the part: on disk before its sidecar says so. */
export async function finishPart(partPath: string): Promise<void> {
  const temporary = temporaryPartPath(partPath);
  const sidecar = sidecarPath(partPath);
  await rm(sidecar, { force: true });
  const sum = await checksum(temporary, true);
  await rename(temporary, partPath);
  await writeDurably(temporaryPartPath(sidecar), JSON.stringify(sum));
  await rename(temporaryPartPath(sidecar), sidecar);
  await syncFolder(dirname(partPath));
}

const BUFFER_BYTES = 1024 * 1024;

async function checksum(path: string, sync = false): Promise<Sidecar> {
  const handle = await open(path, sync ? 'r+' : 'r');
  try {
    if (sync) await handle.sync();
    const buffer = Buffer.allocUnsafe(BUFFER_BYTES);
    const sum: Sidecar = { bytes: 0, crc32: 0 };
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
