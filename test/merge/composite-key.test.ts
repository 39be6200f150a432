/** Keys of several columns through all steps, to the bytes and the manifest. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { MergeJob, MergeMessage } from '../../src/merge/job.ts';
import { readManifest, writeManifest } from '../../src/merge/manifest.ts';
import { readFooter } from '../../src/merge/parquet/footer.ts';
import { runSteps } from '../../src/merge/steps.ts';
import { manifestPath } from '../../src/merge/workspace.ts';
import { flipBit } from '../support/flip-bit.ts';
import { mergeJob, query, temporaryFolder, writeParquet } from '../support/parquet-by-sql.ts';

const KEY = ['symbol', 'k'];
/** Two symbols by the minute; the key's columns lie in the middle and at the end of their files. */
const ROWS = `SELECT 's' || range % 2 AS symbol, TIMESTAMP '2024-01-01' + range * INTERVAL 1 MINUTE AS k, range AS r FROM range(6000)`;
const FILES = {
  'a.parquet': `SELECT r AS a1, symbol, 'x' || r AS a2, k FROM (${ROWS}) ORDER BY k`,
  'b.parquet': `SELECT k, r / 7 AS b1, symbol FROM (${ROWS}) ORDER BY k`,
  'c.parquet': `SELECT symbol, k, r * 2 AS c1 FROM (${ROWS}) WHERE r % 3 > 0 ORDER BY hash(r)`,
};

async function prepareFiles(t: TestContext, changes: Partial<MergeJob> = {}): Promise<MergeJob> {
  const dir = await temporaryFolder(t);
  const files = Object.entries(FILES).map(([name, sql]) => [join(dir, name), sql] as const);
  await writeParquet(Object.fromEntries(files), ', ROW_GROUP_SIZE 2048');
  return mergeJob(dir, join(dir, 'merged.out'), { key: KEY, ...changes });
}

async function run(job: MergeJob): Promise<MergeMessage> {
  const messages: MergeMessage[] = [];
  await runSteps(job, (message) => messages.push(message));
  return messages.at(-1)!;
}

/** Rows that are not what their row number says. */
async function wrongRows(path: string): Promise<unknown> {
  const [[rows, wrong] = []] = await query(
    `SELECT count(*), count(*) FILTER (WHERE (symbol, k, a1, a2, b1, c1) IS DISTINCT FROM
       ('s' || r % 2, TIMESTAMP '2024-01-01' + r * INTERVAL 1 MINUTE, r, 'x' || r, r / 7, CASE WHEN r % 3 > 0 THEN r * 2 END))
     FROM (SELECT *, file_row_number AS r FROM read_parquet('${path}', file_row_number = true))`,
  );
  return { rows, wrong };
}

for (const engine of ['stitch', 'duckdb'] as const)
  for (const verify of ['bytes', 'full'] as const)
    test(`the key's columns come first, once, and every row is its own: ${engine}, verified by ${verify}`, async (t) => {
      const job = await prepareFiles(t, { engine, verify });
      const last = await run(job);
      assert.ok(last.event === 'published');
      assert.deepEqual([last.figures.columns, last.figures.aligned, last.figures.realigned], [6, 2, 1]);
      const { columns } = await readFooter(job.output.path, 'merged');
      assert.deepEqual(
        columns.map(({ name }) => name),
        ['symbol', 'k', 'a1', 'a2', 'b1', 'c1'],
      );
      assert.deepEqual(await wrongRows(job.output.path), { rows: '6000', wrong: '0' });
    });

test('the order of a key is that of its columns in the output, also where its rows are new', async (t) => {
  const job = await prepareFiles(t, { key: ['k', 'symbol'], rows: 'intersection' });
  await writeParquet({
    [join(job.source.dir, 'd.parquet')]: `SELECT k, symbol, r AS d1 FROM (${ROWS}) WHERE r % 5 > 0`,
  });
  await run(job);
  const { columns } = await readFooter(job.output.path, 'merged');
  assert.deepEqual(
    columns.slice(0, 2).map(({ name }) => name),
    ['k', 'symbol'],
  );
  assert.deepEqual(
    await query(
      `SELECT count(*), count(*) FILTER (WHERE a1 % 3 = 0 OR a1 % 5 = 0 OR c1 <> 2 * a1 OR d1 <> a1) FROM read_parquet('${job.output.path}')`,
    ),
    [['3200', '0']],
  );
});

test('its manifest has the list, and is found by it alone; that of one column has its name, as ever', async (t) => {
  const job = await prepareFiles(t);
  const first = await run(job);
  assert.ok(first.event === 'published');
  assert.deepEqual((await readManifest(manifestPath(job.output.path)))?.key, KEY);
  const again = await run(job);
  assert.ok(again.event === 'published' && again.figures.alreadyMerged);
  await assert.rejects(run({ ...job, key: ['k', 'symbol'] }), { name: 'OutputExists' });
  const rechecked = await run({ ...job, steps: ['recheck'], recheckSources: true });
  assert.ok(rechecked.event === 'rechecked' && rechecked.check.sources?.mode === 'bytes');

  const path = manifestPath(job.output.path);
  const manifest = JSON.parse(await readFile(path, 'utf8')) as { key: unknown };
  await writeFile(path, JSON.stringify({ ...manifest, key: 'k' }));
  assert.equal((await readManifest(path))?.key, 'k');
  await writeManifest(path, (await readManifest(path))!);
  assert.equal((JSON.parse(await readFile(path, 'utf8')) as { key: unknown }).key, 'k');
});

test('a flipped bit in any column of the key is found before the output is published', async (t) => {
  for (const column of [0, 1]) {
    const job = await prepareFiles(t);
    await runSteps({ ...job, steps: ['discover', 'merge'] }, () => undefined);
    const path = join(job.source.dir, '.merged.out.widemerge', 'output.parquet');
    const { rowGroups } = await readFooter(path, 'output');
    const { start, length } = rowGroups[1]!.chunks[column]!;
    await flipBit(path, start + length - 2, 3);
    await assert.rejects(run({ ...job, steps: ['verify', 'publish'] }), { name: 'OutputMismatch' });
  }
});

test('BigQuery is given keys of one column: refused by name, before anything is written', async (t) => {
  const job = await prepareFiles(t, { engine: 'bigquery', steps: ['prepare'] });
  await assert.rejects(run(job), {
    name: 'EngineUnfit',
    message: 'a.parquet: its key (symbol, k) has 2 columns, and BigQuery is given keys of one; use the backend local',
  });
});
