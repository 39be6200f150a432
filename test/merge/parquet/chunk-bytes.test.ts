import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { type FileHandle } from 'node:fs/promises';
import { test } from 'node:test';
import { chunkPieces, readChunkBytes } from '../../../src/merge/parquet/chunk-bytes.ts';
import type { Chunk } from '../../../src/merge/parquet/footer.ts';
import type { Column } from '../../../src/merge/parquet/schema.ts';

const column = { name: 'v' } as Column;
const MIB = 1024 ** 2;

/** A file that gives at most `most` bytes a read, as the system does above 2 GiB and signals do anywhere. */
function fileOf(content: Buffer, most: number): FileHandle {
  const read = (buffer: Buffer, offset: number, length: number, position: number): Promise<{ bytesRead: number }> =>
    Promise.resolve({ bytesRead: content.copy(buffer, offset, position, position + Math.min(length, most)) });
  return { read } as unknown as FileHandle;
}

const chunkAt = (start: number, length: number): Chunk => ({
  start,
  length,
  indexes: null,
  uncompressedLength: length,
  values: 0,
  raw: Buffer.of(),
});

test('a chunk is read to its end although the system gives less at a time', async () => {
  const content = randomBytes(5 * MIB + 17);
  const file = fileOf(content, MIB - 1);
  const chunk = chunkAt(7, 5 * MIB);
  const expected = content.subarray(7, 7 + 5 * MIB);
  assert.ok((await readChunkBytes(file, chunk, column, 'f')).equals(expected));
  const pieces: Buffer[] = [];
  for await (const piece of chunkPieces(file, chunk, column, 'f')) pieces.push(Buffer.from(piece));
  assert.ok(Buffer.concat(pieces).equals(expected));
  assert.deepEqual(
    pieces.map(({ length }) => length),
    [4 * MIB, MIB],
  );
});

test('a file that became shorter is named', async () => {
  const short = { name: 'CheckpointInvalid', message: /^f: became shorter while column v was read/ };
  const file = fileOf(randomBytes(100), 60);
  await assert.rejects(readChunkBytes(file, chunkAt(50, 51), column, 'f'), short);
  await assert.rejects(chunkPieces(file, chunkAt(50, 51), column, 'f').next(), short);
});

test('an empty chunk', async () => {
  assert.equal((await readChunkBytes(fileOf(Buffer.of(), 1), chunkAt(4, 0), column, 'f')).length, 0);
  for await (const piece of chunkPieces(fileOf(Buffer.of(), 1), chunkAt(4, 0), column, 'f'))
    assert.fail(`${piece.length} bytes`);
});
