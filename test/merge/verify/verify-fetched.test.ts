import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { alignCheckpoint, openAlignDatabase } from '../../../src/merge/align.ts';
import { listCheckpoints } from '../../../src/merge/discover.ts';
import { joinWithDuckdb } from '../../../src/merge/duckdb-join.ts';
import type { Engine } from '../../../src/merge/engine.ts';
import type { MergeJob, MergeMessage } from '../../../src/merge/job.ts';
import { rowsOnSpine } from '../../../src/merge/keys/key-sets.ts';
import { readManifest } from '../../../src/merge/manifest.ts';
import { REPETITION } from '../../../src/merge/parquet/field-ids.ts';
import { readFooter } from '../../../src/merge/parquet/footer.ts';
import type { PhysicalValues } from '../../../src/merge/parquet/values.ts';
import { planMerge } from '../../../src/merge/plan-merge.ts';
import { readKeys } from '../../../src/merge/keys/read-keys.ts';
import { runSteps } from '../../../src/merge/steps.ts';
import { stitchParts, writeKeyParts } from '../../../src/merge/stitch-plan.ts';
import { verifyMerge } from '../../../src/merge/verify/verify-merge.ts';
import { firstWrongRow } from '../../../src/merge/verify/values.ts';
import { manifestPath } from '../../../src/merge/workspace.ts';
import { mergeJob, temporaryFolder, writeParquet } from '../../support/parquet-by-sql.ts';

/** Stands for the service: all columns of all checkpoints become parts, those of aligned ones, too. */
const fetchAll: Engine = async ({ plan, job, partsDir, outputPath, signal }) => {
  await mkdir(partsDir, { recursive: true });
  const database = await openAlignDatabase(partsDir, job.memoryBytes, signal);
  try {
    const parts = new Map<number, Awaited<ReturnType<typeof alignCheckpoint>>>();
    for (const checkpoint of plan.checkpoints) {
      const keys = await readKeys(checkpoint, plan.spine.types);
      const rowOf = rowsOnSpine(plan.spine.keys, keys);
      const { rowGroupRows } = plan.spine;
      const partKey = `fetched${checkpoint.index}`;
      const request = { checkpoint, rowOf, rowGroupRows, dir: partsDir, partKey, database };
      parts.set(checkpoint.index, await alignCheckpoint(request));
    }
    const keyParts = await writeKeyParts({ plan, partsDir, database });
    const createdBy = 'test';
    return await stitchParts({ plan, outputPath, parts, keyParts, createdBy, signal, onBytes: () => undefined });
  } finally {
    database.close();
  }
};

for (const rows of ['union', 'reference', 'intersection'] as const)
  test(`what an engine has fetched is verified by value, and published as its own: ${rows}`, async (t) => {
    const dir = await temporaryFolder(t);
    await writeParquet(
      {
        [join(dir, 'a.parquet')]:
          `SELECT range AS k, random() AS a1, 'text ' || range AS a2, range::UTINYINT % 200 AS a3,
          CASE WHEN range % 7 = 0 THEN 'nan'::FLOAT ELSE -0.0::FLOAT END AS a4 FROM range(200)`,
        [join(dir, 'b.parquet')]: "SELECT range AS k, DATE '2020-01-01' + range::INT AS b1 FROM range(100, 300)",
        [join(dir, 'c.parquet')]: 'SELECT range AS k, range * 2 AS c1 FROM range(200)',
      },
      ', ROW_GROUP_SIZE 2048',
    );
    const output = join(dir, 'out', 'merged.parquet');
    const job = mergeJob(dir, output, { engine: 'bigquery', rows });
    await mkdir(join(dir, 'out'));
    const messages: MergeMessage[] = [];
    await runSteps(job, (message) => messages.push(message), undefined, { bigquery: fetchAll });
    const last = messages.at(-1)!;
    assert.ok(last.event === 'published');
    assert.equal(last.figures.verified, 'full');
    const manifest = await readManifest(manifestPath(output));
    assert.equal(manifest?.engine, 'bigquery');
    assert.ok(manifest.sources.every((source) => source.crc32 === null));
    const { columns } = await readFooter(output, output);
    assert.ok(columns.slice(1).every(({ repetition }) => repetition === REPETITION.optional));
  });

test('an engine that this process has not is a bug, and nothing is written', async (t) => {
  const dir = await temporaryFolder(t);
  await writeParquet({ [join(dir, 'a.parquet')]: 'SELECT 1 AS k, 2 AS v' });
  const job = mergeJob(dir, join(dir, 'merged.out'), { engine: 'bigquery' });
  await assert.rejects(
    runSteps(job, () => undefined),
    /no engine bigquery/,
  );
});

test('what DuckDB may change in an output of its own, a fetched one must keep', async (t) => {
  const dir = await temporaryFolder(t);
  const folder = await temporaryFolder(t);
  await writeParquet(
    { [join(dir, 'a.parquet')]: 'SELECT range AS k, random() AS v FROM range(5000)' },
    ', ROW_GROUP_SIZE 2048',
  );
  const outputPath = join(folder, 'joined.parquet');
  const job: MergeJob = mergeJob(dir, outputPath);
  const plan = await planMerge(job, await listCheckpoints(job));
  assert.ok(plan.spine.rowGroupRows.length > 1);
  const memoryBytes = 512 * 1024 ** 2;
  await joinWithDuckdb({ plan, outputPath, memoryBytes, tempDir: folder, onProgress: () => undefined });
  const request = { plan, outputPath, mode: 'full', onProgress: () => undefined } as const;
  await verifyMerge({ ...request, engine: 'duckdb' });
  await assert.rejects(verifyMerge({ ...request, engine: 'bigquery' }), {
    name: 'OutputMismatch',
    message: /row groups/,
  });
});

test('one NaN is as good as another where their bits are not promised, and nothing else is', () => {
  const doubles = (...bits: bigint[]): PhysicalValues => ({
    rows: bits.length,
    nulls: null,
    kind: 'i64',
    values: BigInt64Array.from(bits, (value) => BigInt.asIntN(64, value)),
  });
  const floats = (...bits: number[]): PhysicalValues => ({
    rows: bits.length,
    nulls: null,
    kind: 'i32',
    values: Int32Array.from(bits),
  });
  const wrong = (source: PhysicalValues, output: PhysicalValues, nanOf?: number): number =>
    firstWrongRow(
      source,
      output,
      Int32Array.from({ length: output.rows }, (_, row) => row),
      0,
      nanOf,
    );
  const [nan, otherNan, infinity, zero, minusZero] = [
    0x7ff8000000000000n,
    0xfff0000000000001n,
    0x7ff0000000000000n,
    0n,
    0x8000000000000000n,
  ];
  const [DOUBLE, FLOAT, INT64] = [5, 4, 2];
  assert.equal(wrong(doubles(zero, nan), doubles(zero, otherNan)), 1);
  assert.equal(wrong(doubles(zero, nan), doubles(zero, otherNan), DOUBLE), -1);
  assert.equal(wrong(doubles(zero, nan), doubles(zero, otherNan), INT64), 1);
  assert.equal(wrong(doubles(nan), doubles(infinity), DOUBLE), 0);
  assert.equal(wrong(doubles(infinity), doubles(nan), DOUBLE), 0);
  assert.equal(wrong(doubles(zero), doubles(minusZero), DOUBLE), 0);
  assert.equal(wrong(floats(0x7fc00000), floats(0x7f800001), FLOAT), -1);
  assert.equal(wrong(floats(0x7fc00000), floats(0x7f800001)), 0);
  assert.equal(wrong(floats(0x7fc00000), floats(0x7f800000), FLOAT), 0);
  assert.equal(wrong(floats(0), floats(-0x80000000), FLOAT), 0);
});
