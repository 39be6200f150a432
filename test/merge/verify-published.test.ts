/** Single bits of a published output that are flipped: each is found by the manifest alone, whatever else they do to the file. */
import assert from 'node:assert/strict';
import { mkdir, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { MergeJob } from '../../src/merge/job.ts';
import { MergeFailure } from '../../src/merge/errors.ts';
import { readFooter } from '../../src/merge/parquet/footer.ts';
import { runSteps } from '../../src/merge/steps.ts';
import { verifyPublished } from '../../src/merge/verify-published.ts';
import { flipBit } from '../support/flip-bit.ts';
import { mergeJob, temporaryFolder, writeParquet } from '../support/parquet-by-sql.ts';

const FILES = 5;
const ROWS = 4_000;

test('every flipped bit is found: in each chunk, all over the footer, in its length and in the magic', async (t) => {
  const folder = await temporaryFolder(t);
  const sources = join(folder, 'sources');
  await mkdir(sources);
  const columns = (i: number): string => `range * ${i + 2} / 3 AS f${i}, 'text ' || range % 7 AS s${i}`;
  const queries = Array.from({ length: FILES }, (_, i) => {
    // The last one has to be aligned first.
    const order = i === FILES - 1 ? ' ORDER BY k DESC' : '';
    return [join(sources, `${i}.parquet`), `SELECT range AS k, ${columns(i)} FROM range(${ROWS})${order}`] as const;
  });
  await writeParquet(Object.fromEntries(queries), ', ROW_GROUP_SIZE 2048');
  const output = join(folder, 'merged.parquet');
  await runSteps(mergeJob(sources, output), () => undefined);
  const job: MergeJob = mergeJob(sources, output, { steps: ['recheck'] });
  const verify = () => verifyPublished({ job, emit: () => undefined, signal: undefined });
  assert.deepEqual((await verify()).columns, 2 * FILES + 1);

  const { size } = await stat(output);
  const { rowGroups } = await readFooter(output, 'merged');
  const inChunks = rowGroups.flatMap(({ chunks }) =>
    chunks.flatMap(({ start, length }) => [0, length >> 1, length - 1].map((at) => start + at)),
  );
  const footerBytes = await footerLength(output, size);
  const inFooter = Array.from({ length: 100 }, (_, i) => size - 8 - footerBytes + Math.floor((i * footerBytes) / 100));
  const atTheEnd = Array.from({ length: 8 }, (_, i) => size - 8 + i);
  for (const [index, position] of [0, ...inChunks, ...inFooter, ...atTheEnd].entries()) {
    const bit = index % 8;
    await flipBit(output, position, bit);
    await assert.rejects(verify(), (error) => {
      assert.ok(error instanceof MergeFailure, `byte ${position}, bit ${bit}: ${String(error)}`);
      return error.facts.type === 'OutputMismatch';
    });
    await flipBit(output, position, bit);
  }
  await verify();
});

async function footerLength(path: string, size: number): Promise<number> {
  const handle = await open(path, 'r');
  try {
    const { buffer } = await handle.read(Buffer.alloc(4), 0, 4, size - 8);
    return buffer.readUInt32LE(0);
  } finally {
    await handle.close();
  }
}
