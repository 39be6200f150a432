import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { MergeFigures } from '../../src/payloads.ts';
import { listCheckpoints } from '../../src/merge/discover.ts';
import type { MergeJob } from '../../src/merge/job.ts';
import { readFooter } from '../../src/merge/parquet/footer.ts';
import { planMerge } from '../../src/merge/plan-merge.ts';
import { runSteps } from '../../src/merge/steps.ts';
import { assertMerged } from '../support/compare-merged.ts';
import { mergeJob, temporaryFolder, writeParquet } from '../support/parquet-by-sql.ts';

/** Two files of one row group, one of two, one of one and in another order. */
async function files(t: TestContext): Promise<{ dir: string; out: string }> {
  const dir = await temporaryFolder(t);
  const query = (name: string, order = 'range'): string =>
    `SELECT range AS interval_time, random() AS x${name}, range % 11 AS y${name} FROM range(6000) ORDER BY ${order}`;
  await writeParquet({ [join(dir, 'a.parquet')]: query('a'), [join(dir, 'b.parquet')]: query('b') });
  await writeParquet({ [join(dir, 'c.parquet')]: query('c') }, ', ROW_GROUP_SIZE 4096');
  await writeParquet({ [join(dir, 'd.parquet')]: query('d', 'hash(range)') });
  await mkdir(join(dir, 'out'));
  return { dir, out: join(dir, 'out', 'merged.parquet') };
}

async function merge(job: MergeJob): Promise<MergeFigures> {
  let figures: MergeFigures | undefined;
  await runSteps(job, (message) => {
    if (message.event === 'published') figures = message.figures;
  });
  return figures!;
}

const job = (dir: string, out: string, changes: Partial<MergeJob> = {}): MergeJob =>
  mergeJob(dir, out, { key: 'interval_time', verify: 'full', ...changes });

const groupsOf = async (path: string): Promise<number[]> =>
  (await readFooter(path, path)).rowGroups.map(({ rows }) => rows);

test('the row groups of the most bytes are kept; a file of other ones is rewritten, but neither mapped nor sorted', async (t) => {
  const { dir, out } = await files(t);
  const plan = await planMerge(job(dir, out), await listCheckpoints(job(dir, out)));
  assert.deepEqual(plan.aligned, [true, true, false, false]);
  assert.deepEqual(plan.sameKeys, [true, true, true, false]);
  const { realigned, rowGroups, bytesRewritten } = await merge(job(dir, out));
  const { fingerprint: c } = plan.checkpoints[2]!;
  const { fingerprint: d } = plan.checkpoints[3]!;
  assert.deepEqual([realigned, rowGroups, bytesRewritten], [2, { count: 1, rowsMost: 6000 }, c.size + d.size]);
  assert.deepEqual(await groupsOf(out), [6000]);
  await assertMerged(dir, out);
});

test('row groups that are asked for: who has them is copied, the others are rewritten', async (t) => {
  const { dir, out } = await files(t);
  const asked = job(dir, out, { rowGroupRows: 4096 });
  const { aligned, realigned, rowGroups } = await merge(asked);
  assert.deepEqual([aligned, realigned, rowGroups], [1, 3, { count: 2, rowsMost: 4096 }]);
  assert.deepEqual(await groupsOf(out), [4096, 1904]);
  await assertMerged(dir, out);
  assert.equal((await merge(asked)).alreadyMerged, true);
  // Another layout is another merge.
  await assert.rejects(merge(job(dir, out, { rowGroupRows: 2500 })), { name: 'OutputExists' });
  await assert.rejects(merge(job(dir, out)), { name: 'OutputExists' });
});

test('row groups that no file has: all are rewritten, in the order that they have', async (t) => {
  const { dir, out } = await files(t);
  const asked = job(dir, out, { rowGroupRows: 2500 });
  const plan = await planMerge(asked, await listCheckpoints(asked));
  assert.equal(plan.spine.source, null);
  assert.deepEqual(plan.sameKeys, [true, true, true, false]);
  assert.equal((await merge(asked)).realigned, 4);
  assert.deepEqual(await groupsOf(out), [2500, 2500, 1000]);
  await assertMerged(dir, out);
});

test('without a wish the id is that of earlier versions; with one it is another', async (t) => {
  const { dir, out } = await files(t);
  const idOf = async (changes: Partial<MergeJob>): Promise<string> =>
    (await planMerge(job(dir, out, changes), await listCheckpoints(job(dir, out)))).id;
  const ids = [await idOf({}), await idOf({ rowGroupRows: 4096 }), await idOf({ rowGroupRows: 6000 })];
  assert.equal(new Set(ids).size, 3);
});

test('an engine that writes row groups of its own is unfit, by name', async (t) => {
  const { dir, out } = await files(t);
  await assert.rejects(merge(job(dir, out, { engine: 'duckdb', rowGroupRows: 4096 })), {
    name: 'EngineUnfit',
    message: /^duckdb writes row groups of its own, not of 4096 rows: take the engine local/,
  });
});
