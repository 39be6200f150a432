import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { crc32 } from 'node:zlib';
import { openCrew, openHelper } from '../../../src/merge/crew/crew.ts';
import type { MergeFailure } from '../../../src/merge/errors.ts';
import type { Chunk } from '../../../src/merge/parquet/footer.ts';
import type { Checkpoint } from '../../../src/merge/plan.ts';
import { DiskReader } from '../../../src/merge/system/disk-reader.ts';
import { Checksum, compareFiles, type CopiedFile } from '../../../src/merge/verify/compare-files.ts';
import { temporaryFolder } from '../../support/parquet-by-sql.ts';

/** Longer than what is read at a time, and than what is read ahead. */
const LENGTH = 5 * 1024 * 1024 + 7;
/** So long a file is handed to the other thread only while it compares one. */
const HANDED_ALONE = 2 ** 30;
const NAMES = ['a', 'b', 'c', 'd', 'e'];

/** Files of one chunk each, and one in which all of them stand. */
async function makeFiles(
  t: TestContext,
): Promise<{ dir: string; output: string; bytes: Buffer[]; files: CopiedFile[]; sums: Checksum[] }> {
  const dir = await temporaryFolder(t);
  const bytes = NAMES.map(() => randomBytes(LENGTH));
  for (const [i, name] of NAMES.entries()) await writeFile(join(dir, name), bytes[i]!);
  const output = join(dir, 'output');
  await writeFile(output, Buffer.concat(bytes));
  const chunkAt = (start: number): Chunk => ({
    ...{ start, length: LENGTH, uncompressedLength: LENGTH },
    ...{ values: 0, indexes: null, raw: new Uint8Array() },
  });
  const sums = NAMES.map(() => new Checksum());
  const files = NAMES.map((name, index): CopiedFile => ({
    checkpoint: {
      ...{ index, name, path: join(dir, name) },
      ...{ footer: { rowGroups: [] }, fingerprint: { size: HANDED_ALONE } },
    } as unknown as Checkpoint,
    pairs: () => [
      {
        column: `column ${name}`,
        ...{ source: chunkAt(0), output: chunkAt(index * LENGTH), sum: sums[index]! },
        // The bytes are no pages.
        pages: { bytes: LENGTH, values: 0, index: null },
      },
    ],
  }));
  return { dir, output, bytes, files, sums };
}

/** In this thread and in another one at the same time. */
async function compareInTwo(outputPath: string, files: CopiedFile[]): Promise<{ bytes: number; done: string[] }> {
  await using output = await DiskReader.open(outputPath);
  await using own = openCrew(1);
  await using other = openHelper();
  const heard = { bytes: 0, done: [] as string[] };
  await compareFiles({
    ...{ output, files, own, helper: other, beside: () => Promise.resolve() },
    onBytes: (bytes) => (heard.bytes += bytes),
    onDone: ({ name }) => heard.done.push(name),
  });
  return heard;
}

test('two threads give the checksum of every chunk, and tell of every byte and file', async (t) => {
  const { output, bytes, files, sums } = await makeFiles(t);
  const { bytes: told, done } = await compareInTwo(output, files);
  assert.equal(told, NAMES.length * LENGTH);
  assert.deepEqual(done.toSorted(), NAMES);
  assert.deepEqual(
    sums.map(({ crc }) => crc),
    bytes.map((own) => crc32(own)),
  );
});

test('of two files that differ the first one is named, whichever thread was first', async (t) => {
  const { output, bytes, files } = await makeFiles(t);
  const broken = Buffer.concat(bytes);
  for (const index of [2, 3]) broken[index * LENGTH + 1_234_567]! ^= 4;
  await writeFile(output, broken);
  await assert.rejects(compareInTwo(output, files), (error: MergeFailure) => {
    assert.equal(error.facts.type, 'OutputMismatch');
    return error.facts.column === 'column c';
  });
});

test('a file that is gone, or shorter than it was, and an output that ends early are errors of the comparison', async (t) => {
  const { dir, output, bytes, files } = await makeFiles(t);
  await writeFile(join(dir, 'd'), bytes[3]!.subarray(0, -1));
  await assert.rejects(compareInTwo(output, files), (error: MergeFailure) => {
    assert.equal(error.facts.type, 'InputChanged');
    return error.facts.file === 'd';
  });
  await writeFile(output, Buffer.concat(bytes).subarray(0, 3 * LENGTH - 10));
  await assert.rejects(compareInTwo(output, files.slice(0, 3)), (error: MergeFailure) => {
    return error.facts.type === 'OutputMismatch' && error.message.includes('ends before its last column');
  });
  await writeFile(output, Buffer.concat(bytes));
  await rm(join(dir, 'd'));
  await assert.rejects(compareInTwo(output, files), { code: 'ENOENT' });
});
