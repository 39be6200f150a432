import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Chunk } from '../../src/merge/parquet/footer.ts';
import { PageWalk } from '../../src/merge/parquet/page-header.ts';
import type { Checkpoint } from '../../src/merge/plan.ts';
import { DiskReader } from '../../src/merge/system/disk-reader.ts';
import { openHelper } from '../../src/merge/crew/crew.ts';
import { Checksum, compareChunks } from '../../src/merge/verify-bytes.ts';
import { temporaryFolder } from '../support/parquet-by-sql.ts';

/** Longer than what is read ahead, so that a later file is opened while an earlier one is compared. */
const LENGTH = 7 * 1024 * 1024;

test('a file that is gone is an error of the comparison also where it is met while reading ahead', async (t) => {
  const dir = await temporaryFolder(t);
  const outputPath = join(dir, 'output');
  await writeFile(outputPath, Buffer.alloc(2 * LENGTH));
  await writeFile(join(dir, 'there'), Buffer.alloc(LENGTH));
  const chunkAt = (start: number): Chunk => ({
    start,
    length: LENGTH,
    indexes: null,
    uncompressedLength: LENGTH,
    raw: new Uint8Array(),
  });
  const pairs = ['there', 'gone'].map((name, index) => ({
    checkpoint: { index, name, path: join(dir, name) } as Checkpoint,
    column: name,
    source: chunkAt(0),
    output: chunkAt(index * LENGTH),
    sum: new Checksum(),
    // The bytes are no pages.
    walk: new PageWalk(LENGTH, 0),
  }));
  await using output = await DiskReader.open(outputPath);
  await using helper = openHelper();
  const hooks = { onBytes: () => undefined, onDone: () => Promise.resolve(), helper };
  await assert.rejects(compareChunks(output, pairs, hooks), { code: 'ENOENT' });
});
