/** Bytes of column chunks. One read(2) gives at most 2 GiB, and may give less than was asked for: it is asked again. */
import { invalidCheckpoint } from '../errors.ts';
import type { ReadableFile } from '../system/disk-file.ts';
import type { Chunk } from './footer.ts';
import type { Column } from './schema.ts';

/** Node refuses a read of 2 GiB or more. */
const MAX_READ_BYTES = 1024 ** 3;
const PIECE_BYTES = 4 * 1024 ** 2;

/** Reads a column chunk's bytes. Throws MergeFailure CheckpointInvalid where the file became shorter. */
export async function readChunkBytes(file: ReadableFile, chunk: Chunk, column: Column, name: string): Promise<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(chunk.length);
  await fill(buffer, file, chunk.start, column, name);
  return buffer;
}

/**
 * The same in pieces of at most 4 MiB, for whoever needs not all of them at once. Each is good until the next one is
 * asked for.
 */
export async function* chunkPieces(
  file: ReadableFile,
  chunk: Chunk,
  column: Column,
  name: string,
): AsyncGenerator<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(Math.min(chunk.length, PIECE_BYTES));
  for (let done = 0; done < chunk.length; done += PIECE_BYTES) {
    const piece = buffer.subarray(0, chunk.length - done);
    await fill(piece, file, chunk.start + done, column, name);
    yield piece;
  }
}

async function fill(buffer: Buffer, file: ReadableFile, start: number, column: Column, name: string): Promise<void> {
  for (let done = 0; done < buffer.length;) {
    const wanted = Math.min(buffer.length - done, MAX_READ_BYTES);
    const { bytesRead } = await file.read(buffer, done, wanted, start + done);
    if (bytesRead === 0)
      throw invalidCheckpoint(name, `became shorter while column ${column.name} was read`, column.name);
    done += bytesRead;
  }
}
