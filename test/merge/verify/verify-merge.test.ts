import assert from 'node:assert/strict';
import { appendFile, open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { crc32 } from 'node:zlib';
import type { RowsMode } from '../../../src/contract.ts';
import { listCheckpoints } from '../../../src/merge/discover.ts';
import { readFooter } from '../../../src/merge/parquet/footer.ts';
import { planMerge } from '../../../src/merge/plan-merge.ts';
import type { MergePlan } from '../../../src/merge/plan.ts';
import { runSteps } from '../../../src/merge/steps.ts';
import type { Verification } from '../../../src/merge/verify/request.ts';
import { verifyMerge } from '../../../src/merge/verify/verify-merge.ts';
import { workspacePath } from '../../../src/merge/workspace.ts';
import { mergeJob, temporaryFolder, writeParquet } from '../../support/parquet-by-sql.ts';

interface Merged {
  dir: string;
  plan: MergePlan;
  outputPath: string;
}

/** Merges, without verifying, a folder of: two aligned files, and one with fewer rows in another order. */
async function merge(t: TestContext, rows: RowsMode = 'reference'): Promise<Merged> {
  const dir = await temporaryFolder(t);
  await writeParquet({
    [join(dir, 'a.parquet')]: "SELECT range AS k, random() AS a1, 'text ' || range AS a2 FROM range(5000)",
    [join(dir, 'b.parquet')]: 'SELECT range AS k, range * 3 AS b1, [range, 1] AS b2 FROM range(5000)',
    [join(dir, 'c.parquet')]: `SELECT range AS k, range / 7 AS c1, range % 2 = 0 AS c2, range::VARCHAR AS c3
      FROM range(5000) WHERE range % 5 <> 0 ORDER BY (range * 7919) % 5000`,
  });
  const output = join(dir, 'out', 'merged.parquet');
  const job = mergeJob(dir, output, { steps: ['discover', 'merge'], rows });
  await runSteps(job, () => undefined);
  const plan = await planMerge(job, await listCheckpoints(job));
  return { dir, plan, outputPath: join(workspacePath(output), 'output.parquet') };
}

const verify = ({ plan, outputPath }: Merged, mode: 'bytes' | 'full' = 'bytes'): Promise<Verification> =>
  verifyMerge({ plan, outputPath, mode, onProgress: () => undefined });

/** Changes one byte in the middle of a column's chunk of the output. */
async function damage(outputPath: string, column: string): Promise<void> {
  const footer = await readFooter(outputPath, outputPath);
  const { firstLeaf } = footer.columns.find(({ name }) => name === column)!;
  const { start, length } = footer.rowGroups[0]!.chunks[firstLeaf]!;
  const bytes = await readFile(outputPath);
  bytes[start + Math.floor(length * 0.6)]! ^= 1;
  await writeFile(outputPath, bytes);
}

const fails = (type: string, pattern: RegExp) => (error: Error) => {
  assert.equal(error.name, type, error.message);
  assert.match(error.message, pattern);
  return true;
};

test('a right output passes; its checksums are those of the bytes on disk', async (t) => {
  const merged = await merge(t);
  assert.deepEqual(merged.plan.aligned, [true, true, false]);
  const progress: number[][] = [];
  const verification = await verifyMerge({
    ...merged,
    mode: 'bytes',
    onProgress: (...figures) => progress.push(figures),
  });
  const [bytesDone, bytesTotal, filesDone, filesTotal] = progress.at(-1)!;
  assert.deepEqual([bytesDone, filesDone], [bytesTotal, filesTotal]);

  const footer = await readFooter(merged.outputPath, 'output');
  const bytes = await readFile(merged.outputPath);
  const hex = (crc: number): string => crc.toString(16).padStart(8, '0');
  assert.deepEqual(
    verification.columns,
    footer.columns.map(({ name, firstLeaf, leaves }) => ({
      name,
      source: name === 'k' ? null : `${name[0]!}.parquet`,
      crc32: footer.rowGroups.map(({ chunks }) =>
        hex(
          chunks
            .slice(firstLeaf, firstLeaf + leaves)
            .reduce((crc, { start, length }) => crc32(bytes.subarray(start, start + length), crc), 0),
        ),
      ),
    })),
  );
  assert.deepEqual(
    verification.sources,
    await Promise.all(
      merged.plan.checkpoints.slice(0, 2).map(async ({ name, path, footer: own, columns }) => {
        const source = await readFile(path);
        const wanted = own.rowGroups.flatMap(({ chunks }) =>
          columns.flatMap(({ firstLeaf, leaves }) => chunks.slice(firstLeaf, firstLeaf + leaves)),
        );
        const data = Buffer.concat(wanted.map(({ start, length }) => source.subarray(start, start + length)));
        return { name, crc32: hex(crc32(data)), bytes: data.length };
      }),
    ),
  );
  assert.deepEqual(verification.rowGroupRows, [5000]);
  assert.deepEqual((await verify(merged, 'full')).columns, verification.columns);
});

test('a right union passes in both modes', async (t) => {
  const merged = await merge(t, 'union');
  for (const mode of ['bytes', 'full'] as const) assert.equal((await verify(merged, mode)).mode, mode);
});

test('an intersection without nested columns passes in both modes', async (t) => {
  const dir = await temporaryFolder(t);
  await writeParquet({
    [join(dir, 'a.parquet')]: 'SELECT range AS k, random() AS a FROM range(100)',
    [join(dir, 'b.parquet')]: 'SELECT range AS k, random() AS b FROM range(50, 150)',
  });
  const output = join(dir, 'out.parquet');
  const job = mergeJob(dir, output, { steps: ['discover', 'merge'], rows: 'intersection' });
  await runSteps(job, () => undefined);
  const plan = await planMerge(job, await listCheckpoints(job));
  const merged = { dir, plan, outputPath: join(workspacePath(output), 'output.parquet') };
  for (const mode of ['bytes', 'full'] as const) assert.deepEqual((await verify(merged, mode)).rowGroupRows, [50]);
});

test('one changed byte in a chunk that was taken over is found, in a nested column, too', async (t) => {
  const merged = await merge(t);
  const whole = await readFile(merged.outputPath);
  for (const column of ['a1', 'a2', 'b1', 'b2']) {
    await damage(merged.outputPath, column);
    await assert.rejects(verify(merged), fails('OutputMismatch', new RegExp(`column ${column} `)));
    await writeFile(merged.outputPath, whole);
  }
});

test('another value in a rewritten column is found, with row, key and both values', async (t) => {
  const merged = await merge(t);
  const [, , checkpoint] = merged.plan.checkpoints;
  // The source changes under its own fingerprint: so source and output differ in one value of c1.
  await writeParquet(
    {
      [checkpoint!.path]:
        `SELECT range AS k, CASE range WHEN 1234 THEN 0.5 ELSE range / 7 END AS c1, range % 2 = 0 AS c2,
        range::VARCHAR AS c3 FROM range(5000) WHERE range % 5 <> 0 ORDER BY (range * 7919) % 5000`,
    },
    ', COMPRESSION snappy',
  );
  const job = mergeJob(merged.dir, join(merged.dir, 'x.parquet'), { rows: 'reference' });
  const plan = await planMerge(job, await listCheckpoints(job));
  await assert.rejects(
    verify({ ...merged, plan }),
    fails(
      'OutputMismatch',
      /column c1 has 176\.28\S* \(0x\w{16}\) in row 1235 \(key 1234\) where c\.parquet has 0\.5 /,
    ),
  );
});

test('rewritten rows that are lost, or keys that are wrong, are found', async (t) => {
  const merged = await merge(t);
  const { spine } = merged.plan;
  const keys = BigInt64Array.from(spine.keys.values as BigInt64Array);
  keys[7] = 77_777n;
  await assert.rejects(
    verify({ ...merged, plan: { ...merged.plan, spine: { ...spine, keys: { kind: 'integer', values: keys } } } }),
    fails('OutputMismatch', /key in row 8 is 7 instead of 77777/),
  );
  // What the plan calls aligned is not taken on trust.
  await assert.rejects(
    verify({ ...merged, plan: { ...merged.plan, aligned: [true, true, true] } }),
    (error: Error) => error.name === 'OutputMismatch',
  );
});

test('an input that changes, in time or in content, stops the verification', async (t) => {
  const merged = await merge(t);
  await appendFile(merged.plan.checkpoints[1]!.path, 'x');
  await assert.rejects(verify(merged), fails('InputChanged', /^b\.parquet: changed/));
});

test('an output without its end is an output mismatch, and no fault of a checkpoint', async (t) => {
  const merged = await merge(t);
  const handle = await open(merged.outputPath, 'r+');
  await handle.truncate((await handle.stat()).size - 10);
  await handle.close();
  await assert.rejects(verify(merged), fails('OutputMismatch', /truncated/));
});

test('an aborted verification stops with the signal’s reason', async (t) => {
  const merged = await merge(t);
  const reason = new Error('enough');
  await assert.rejects(
    verifyMerge({ ...merged, mode: 'bytes', onProgress: () => undefined, signal: AbortSignal.abort(reason) }),
    reason,
  );
});
