/**
 * Parts: files of the workspace that survive a kill. A part is trusted only by its sidecar `<part>.ok`, written and
 * fsynced after the part itself, which has the CRC-32 of each of its pieces: what lies before, between and behind its
 * column chunks, and the chunks themselves, whose checksums their copies in the output are held against.
 */
import { open, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { combineCrc32, crc32 } from './crc32.ts';
import type { ByteRange } from './parquet/layout.ts';
import { syncFolder } from './system/sync-folder.ts';
import { writeDurably } from './system/write-durably.ts';

/** What a part's sidecar says of a piece of it. */
export interface Piece {
  start: number;
  bytes: number;
  crc32: number;
}

const sidecarPath = (partPath: string): string => `${partPath}.ok`;

/** Hidden and of another ending: never taken for a part. */
export const temporaryPartPath = (partPath: string): string => join(dirname(partPath), `.${basename(partPath)}.tmp`);

/** The pieces of a part that is on disk, byte for byte as it was finished; null where it is not. */
export async function wholePart(partPath: string): Promise<Piece[] | null> {
  try {
    const expected = JSON.parse(await readFile(sidecarPath(partPath), 'utf8')) as unknown;
    // Of an earlier version, which had one checksum for all.
    if (!Array.isArray(expected)) return null;
    const cuts = (expected as Piece[]).map(({ start }) => start);
    const actual = await checksums(partPath, cuts);
    return isDeepStrictEqual(actual, expected) ? actual : null;
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/**
 * Makes the file at temporaryPartPath() the part: on disk before its sidecar says so. `chunks` are where its column chunks
 * lie; `written` is the checksum of the whole, where who wrote it took it from the bytes in memory. Returns its pieces.
 */
export async function finishPart(partPath: string, chunks: ByteRange[], written?: number): Promise<Piece[]> {
  const temporary = temporaryPartPath(partPath);
  const sidecar = sidecarPath(partPath);
  await rm(sidecar, { force: true });
  const cuts = chunks.flatMap(({ start, length }) => [start, start + length]);
  const pieces = await checksums(temporary, cuts, true);
  const whole = pieces.reduce((sum, piece) => combineCrc32(sum, piece.crc32, piece.bytes), 0);
  if (written !== undefined && whole !== written) throw new Error(`${temporary}: does not read as it was written`);
  await rename(temporary, partPath);
  await writeDurably(temporaryPartPath(sidecar), JSON.stringify(pieces));
  await rename(temporaryPartPath(sidecar), sidecar);
  await syncFolder(dirname(partPath));
  return pieces;
}

const BUFFER_BYTES = 1024 * 1024;

/** Of a file cut at these offsets, from front to back. */
async function checksums(path: string, cuts: number[], sync = false): Promise<Piece[]> {
  const handle = await open(path, sync ? 'r+' : 'r');
  try {
    if (sync) await handle.sync();
    const { size } = await handle.stat();
    const buffer = Buffer.allocUnsafe(BUFFER_BYTES);
    const pieces: Piece[] = [];
    const starts = [...new Set([0, ...cuts])].filter((cut) => cut >= 0 && cut < size).sort((a, b) => a - b);
    for (const [i, start] of starts.entries()) {
      const piece = { start, bytes: (starts[i + 1] ?? size) - start, crc32: 0 };
      for (let done = 0; done < piece.bytes;) {
        const wanted = Math.min(BUFFER_BYTES, piece.bytes - done);
        const { bytesRead } = await handle.read(buffer, 0, wanted, start + done);
        if (bytesRead === 0) return pieces;
        done += bytesRead;
        piece.crc32 = crc32(buffer.subarray(0, bytesRead), piece.crc32);
      }
      pieces.push(piece);
    }
    return pieces;
  } finally {
    await handle.close();
  }
}
