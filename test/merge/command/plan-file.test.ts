import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { writePlanFile, type PlanFile } from '../../../src/merge/command/plan-file.ts';
import { readFooter } from '../../../src/merge/parquet/footer.ts';
import { describeType } from '../../../src/merge/parquet/logical.ts';
import { planOf } from '../../support/merged-tables.ts';
import { mergeJob, temporaryFolder, writeParquet } from '../../support/parquet-by-sql.ts';

const DOCS = join(import.meta.dirname, '..', '..', '..', 'docs', 'engines.md');
const MIB = 2 ** 20;

async function planOfFiles(t: Parameters<typeof temporaryFolder>[0], conditions: string[]): Promise<PlanFile> {
  const folder = await temporaryFolder(t);
  const key = `TIMESTAMPTZ '2024-01-01 00:00:00Z' + range * INTERVAL 1 MINUTE AS k`;
  const files = conditions.map(
    (where, i) =>
      [join(folder, `${i}.parquet`), `SELECT ${key}, range AS a${i} FROM range(100) WHERE ${where}`] as const,
  );
  await writeParquet(Object.fromEntries(files));
  const plan = await planOf(mergeJob(folder, join(folder, 'out.parquet')));
  const request = { plan, workspace: folder, outputPath: join(folder, 'o.parquet'), memoryBytes: 400 * MIB };
  return JSON.parse(await readFile(await writePlanFile({ ...request, signal: undefined }), 'utf8')) as PlanFile;
}

test('the plan says what is aligned, and has the spine as a file of its own type and order', async (t) => {
  // The first and the third have all keys; then two of which none has.
  for (const [conditions, aligned] of [
    [
      ['true', 'range < 50', 'true'],
      [true, false, true],
    ],
    [
      ['range < 50', 'range >= 40'],
      [false, false],
    ],
  ] as const) {
    const plan = await planOfFiles(t, [...conditions]);
    assert.deepEqual(
      plan.checkpoints.map((checkpoint) => checkpoint.aligned),
      aligned,
    );
    assert.deepEqual(plan.checkpoints[1]?.columns, ['a1']);
    const spine = await readFooter(plan.spine, 'spine');
    assert.equal(spine.rows, 100);
    assert.equal(plan.rowCount, 100);
    assert.equal(plan.columnCount, conditions.length + 1);
    assert.deepEqual(
      spine.columns.map((column) => [column.name, describeType(column)]),
      [['k', 'int64 timestamp us utc']],
    );
    assert.deepEqual(await readdir(plan.tempDir), []);
    assert.ok(plan.memoryBytes >= 200 * MIB && plan.memoryBytes < 400 * MIB);
  }
});

test('the documented example has the fields of a plan', async (t) => {
  const plan = await planOfFiles(t, ['true']);
  const text = await readFile(DOCS, 'utf8');
  const example = /\n {4}\{\n[\s\S]*?\n {4}\}\n/.exec(text)?.[0] ?? '';
  const documented = JSON.parse(example) as PlanFile;
  assert.deepEqual(Object.keys(documented), Object.keys(plan));
  assert.deepEqual(Object.keys(documented.checkpoints[0]!), Object.keys(plan.checkpoints[0]!));
});
