import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { access, appendFile, mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { MergeJob, MergeMessage, Prepared } from '../../src/merge/job.ts';
import { readStaging, stagingFolder, stagingPath, type Staging } from '../../src/merge/staging.ts';
import { runSteps } from '../../src/merge/steps.ts';
import { workspacePath } from '../../src/merge/workspace.ts';
import { mergeJob, query, temporaryFolder, writeParquet } from '../support/parquet-by-sql.ts';

interface Ready {
  job: MergeJob;
  staging: Staging;
  prepared: Prepared;
  messages: MergeMessage[];
}

const jobOf = (dir: string, changes: Partial<MergeJob> = {}): MergeJob =>
  mergeJob(dir, join(dir, 'merged.out'), { steps: ['prepare'], engine: 'bigquery', ...changes });

async function prepare(job: MergeJob): Promise<Ready> {
  const messages: MergeMessage[] = [];
  await runSteps(job, (message) => messages.push(message));
  const last = messages.at(-1)!;
  assert.ok(last.event === 'prepared');
  return { job, messages, prepared: last.prepared, staging: await readStaging(workspacePath(job.output.path)) };
}

/** Puts every view together, as who sends it does; gives their paths. */
async function writeViews({ staging, job }: Ready): Promise<string[]> {
  const paths: string[] = [];
  for (const [i, { path, tail, content, fingerprint }] of staging.checkpoints.entries()) {
    const view = Buffer.concat([await readFile(path), await readFile(tail.path)]);
    assert.equal(view.length, fingerprint.size + tail.bytes);
    assert.equal(createHash('sha256').update(view).digest('hex'), content);
    paths.push(join(workspacePath(job.output.path), `view${i}`));
    await writeFile(paths[i]!, view);
  }
  return paths;
}

/** Types of the columns of a file, as DuckDB sees them. */
const typesOf = async (path: string): Promise<string[]> =>
  (await query(`DESCRIBE SELECT * FROM read_parquet('${path}')`)).map(
    ([name, type]) => `${String(name)} ${String(type)}`,
  );

/** The first columns of all views, joined to the spine by the keys as they say of themselves. */
async function joinViews({ staging }: Ready, views: string[]): Promise<unknown[][]> {
  const keys = staging.checkpoints.map(({ key }, i) => {
    const bare = key.unsigned32 ? `(t${i}.key::BIGINT & 4294967295)` : `t${i}.key`;
    return key.factor === '1' ? bare : `${bare} * ${key.factor}`;
  });
  const joins = views.map((view, i) => `LEFT JOIN read_parquet('${view}') t${i} ON ${keys[i]!} = s.key`);
  return query(
    `SELECT ${views.map((_, i) => `t${i}.c0`).join(', ')} FROM read_parquet('${staging.spine.path}') s ${joins.join(' ')} ORDER BY s.position`,
  );
}

test('views show the bare values of a checkpoint, and their keys lead to the spine in any unit of time', async (t) => {
  const dir = await temporaryFolder(t);
  const second = (unit: string): string => `make_timestamp(range * 1000000)::${unit}`;
  await writeParquet({
    [join(dir, 'a.parquet')]: `SELECT 'a' || range AS "c1", ${second('TIMESTAMP')} AS k, ${second('TIMESTAMP')} AS a2,
      DATE '2020-01-01' + range::INT AS "c0", range::UINTEGER AS a4, range::DECIMAL(9, 2) AS a5, range % 2 = 0 AS a6
      FROM range(3000)`,
    [join(dir, 'b.parquet')]: `SELECT ${second('TIMESTAMP_NS')} AS k, range * 10 AS b1 FROM range(2999, -1, -2)`,
    [join(dir, 'c.parquet')]: `SELECT ${second('TIMESTAMP_MS')} AS k, range / 4 AS x1 FROM range(500, 3500)`,
  });
  const ready = await prepare(jobOf(dir));
  const { staging, prepared, messages } = ready;
  const views = await writeViews(ready);
  assert.deepEqual(await typesOf(views[0]!), [
    'key BIGINT',
    'c0 BLOB',
    'c1 BIGINT',
    'c2 INTEGER',
    'c3 INTEGER',
    'c4 INTEGER',
    'c5 BOOLEAN',
  ]);
  assert.deepEqual(
    staging.checkpoints.map(({ key }) => [key.type, key.factor, key.unsigned32]),
    [
      ['int64', '1000', false],
      ['int64', '1', false],
      ['int64', '1000000', false],
    ],
  );
  assert.deepEqual(
    staging.checkpoints[0]!.columns.map(({ name, type }) => `${name} ${type}`),
    ['c1 byteArray', 'a2 int64', 'c0 int32', 'a4 int32', 'a5 int32', 'a6 boolean'],
  );
  const text = staging.checkpoints[0]!.columns[0]!.payloadBytes;
  assert.ok(text > 1 && text < 20, `${text} bytes`);
  assert.deepEqual(
    await query(`SELECT key, c0::VARCHAR, c1, c2, c3, c4, c5 FROM read_parquet('${views[0]!}') OFFSET 2000 LIMIT 1`),
    [['2000000000', 'a2000', '2000000000', 20262, 2000, 200000, true]],
  );

  assert.equal(staging.rows, 3500);
  assert.deepEqual(await typesOf(staging.spine.path), ['position BIGINT', 'key BIGINT']);
  const rows = await joinViews(ready, views);
  assert.equal(rows.length, 3500);
  for (const row of [0, 1, 499, 500, 2999, 3000, 3499])
    assert.deepEqual(rows[row], [
      row < 3000 ? `a${row}` : null,
      row < 3000 && row % 2 === 1 ? String(row * 10) : null,
      row >= 500 ? row / 4 : null,
    ]);

  const sources = staging.checkpoints.reduce((sum, { fingerprint, tail }) => sum + fingerprint.size + tail.bytes, 0);
  assert.deepEqual(prepared, { checkpoints: 3, columns: 9, rows: 3500, bytes: sources + staging.spine.bytes });
  const progress = messages.filter((message) => message.event === 'progress');
  assert.deepEqual(
    progress.map(({ step, bytesDone, bytesTotal }) => [step, bytesDone <= bytesTotal, bytesTotal]),
    progress.map(() => ['prepare', true, sources]),
  );
  const { filesDone, bytesDone } = progress.at(-1)!;
  assert.deepEqual([filesDone, bytesDone], [3, sources]);
});

test('unsigned keys of 32 bits go as what they are, and say so', async (t) => {
  const dir = await temporaryFolder(t);
  await writeParquet({
    [join(dir, 'a.parquet')]: 'SELECT (range * 1000000)::UINTEGER AS k, range AS a1 FROM range(4200)',
    [join(dir, 'b.parquet')]: 'SELECT (range * 1000000)::BIGINT AS k, range AS b1 FROM range(4300)',
  });
  const ready = await prepare(jobOf(dir, { rows: 'intersection' }));
  assert.deepEqual(
    ready.staging.checkpoints.map(({ key }) => [key.type, key.unsigned32]),
    [
      ['int32', true],
      ['int64', false],
    ],
  );
  const rows = await joinViews(ready, await writeViews(ready));
  assert.deepEqual(
    rows,
    Array.from({ length: 4200 }, (_, row) => [String(row), String(row)]),
  );
});

test('text keys, in the order of a reference', async (t) => {
  const dir = await temporaryFolder(t);
  await writeParquet({
    [join(dir, 'a.parquet')]: "SELECT 'ключ ' || range AS k, range AS a1 FROM range(100, -1, -1)",
    [join(dir, 'b.parquet')]: "SELECT 'ключ ' || range AS k, range AS b1 FROM range(50, 300)",
  });
  const ready = await prepare(jobOf(dir, { rows: 'reference', reference: 'a.parquet' }));
  const { spine, checkpoints } = ready.staging;
  assert.deepEqual(await typesOf(spine.path), ['position BIGINT', 'key BLOB']);
  assert.equal(spine.keyType, 'byteArray');
  assert.ok(spine.keyBytes > 10 && spine.keyBytes < 13, String(spine.keyBytes));
  assert.deepEqual(checkpoints[0]!.key, { type: 'byteArray', unsigned32: false, factor: '1' });
  const rows = await joinViews(ready, await writeViews(ready));
  assert.deepEqual(
    rows,
    Array.from({ length: 101 }, (_, row) => [String(100 - row), row <= 50 ? String(100 - row) : null]),
  );
});

async function twoCheckpoints(dir: string): Promise<MergeJob> {
  await writeParquet({
    [join(dir, 'a.parquet')]: 'SELECT range AS k, random() AS a1 FROM range(100)',
    [join(dir, 'b.parquet')]: 'SELECT range AS k, random() AS b1 FROM range(50)',
  });
  return jobOf(dir);
}

/** Which of the files are new on disk after `work`. */
async function rewritten(folder: string, work: () => Promise<unknown>): Promise<string[]> {
  const inodes = async (): Promise<Map<string, string>> => {
    const names = (await readdir(folder)).sort();
    const stats = await Promise.all(names.map((name) => stat(join(folder, name), { bigint: true })));
    return new Map(names.map((name, i) => [name, `${stats[i]!.ino} ${stats[i]!.mtimeNs}`]));
  };
  const before = await inodes();
  await work();
  return [...(await inodes())].filter(([name, inode]) => before.get(name) !== inode).map(([name]) => name);
}

test('what is prepared is kept, and prepared again where a file of it is torn or gone', async (t) => {
  const dir = await temporaryFolder(t);
  const job = await twoCheckpoints(dir);
  const { staging, prepared } = await prepare(job);
  const folder = stagingFolder(workspacePath(job.output.path));
  let again: Ready | null = null;
  const once = async (): Promise<unknown> => (again = await prepare(job));
  assert.deepEqual(await rewritten(folder, once), []);
  assert.deepEqual(again!.prepared, prepared);

  const damages = [
    () => appendFile(staging.spine.path, 'x'),
    () => writeFile(staging.checkpoints[1]!.tail.path, Buffer.alloc(staging.checkpoints[1]!.tail.bytes)),
    () => rename(staging.checkpoints[0]!.tail.path, join(folder, 'moved')),
    () => writeFile(stagingPath(workspacePath(job.output.path)), '{"version": 1'),
  ];
  for (const damage of damages) {
    await damage();
    assert.deepEqual(
      (await rewritten(folder, once)).filter((name) => name !== 'moved'),
      ['0.tail', '1.tail', 'spine.parquet', 'staging.json'],
    );
    // The same inputs give the same bytes, by which the service knows what it has.
    assert.deepEqual(again!.staging, staging);
  }
});

test('a source that changes is staged anew, and one that changes while it is read is noticed', async (t) => {
  const dir = await temporaryFolder(t);
  const job = await twoCheckpoints(dir);
  const first = await prepare(job);
  await writeParquet({ [join(dir, 'b.parquet')]: 'SELECT range AS k, random() AS b1 FROM range(50)' });
  const second = await prepare(job);
  assert.notEqual(second.staging.planId, first.staging.planId);
  const [before, after] = [first, second].map(({ staging }) => staging.checkpoints.map(({ content }) => content));
  assert.equal(before![0], after![0]);
  assert.notEqual(before![1], after![1]);

  await writeParquet({ [join(dir, 'a.parquet')]: 'SELECT range AS k, random() AS a1 FROM range(100)' });
  let grown = false;
  const grow = (message: MergeMessage): void => {
    if (grown || message.event !== 'progress') return;
    grown = true;
    appendFileSync(join(dir, 'a.parquet'), 'x');
  };
  await assert.rejects(runSteps(job, grow), { name: 'InputChanged', message: /^a\.parquet: changed/ });
  await assert.rejects(access(stagingPath(workspacePath(job.output.path))), { code: 'ENOENT' });
});

test('another engine merges beside what was prepared, which goes when the output is published', async (t) => {
  const dir = await temporaryFolder(t);
  const job = await twoCheckpoints(dir);
  await prepare(job);
  const events: string[] = [];
  const steps: MergeJob['steps'] = ['discover', 'merge', 'verify', 'publish'];
  await runSteps({ ...job, engine: 'stitch', steps }, ({ event }) => events.push(event));
  assert.equal(events.at(-1), 'published');
  await assert.rejects(access(workspacePath(job.output.path)), { code: 'ENOENT' });
});

for (const [what, sql, options] of [
  ['nested or repeated', '[range]', ''],
  ['of fixed length', 'uuid()', ''],
  ['compressed by Brotli', 'range', ', COMPRESSION brotli'],
] as const)
  test(`a column that is ${what} is refused by name, before anything is written`, async (t) => {
    const dir = await temporaryFolder(t);
    await mkdir(join(dir, 'out'));
    await writeParquet({ [join(dir, 'a.parquet')]: `SELECT ${sql} AS odd, 7 AS k FROM range(1)` }, options);
    const job = jobOf(dir, {
      output: { path: join(dir, 'out', 'merged.parquet'), replace: false },
      ...(options !== '' && { key: 'odd' }),
    });
    await assert.rejects(prepare(job), {
      name: 'EngineUnfit',
      message: new RegExp(`^a\\.parquet: its column odd is ${what}.*; use the backend local$`),
    });
    assert.deepEqual(await readdir(join(dir, 'out')), []);
  });

test('a checkpoint that is too wide for a table is refused by name', async (t) => {
  const dir = await temporaryFolder(t);
  const columns = Array.from({ length: 10_000 }, (_, i) => `range AS w${i}`).join(', ');
  await writeParquet({ [join(dir, 'a.parquet')]: `SELECT range AS k, ${columns} FROM range(1)` });
  await assert.rejects(prepare(jobOf(dir)), {
    name: 'EngineUnfit',
    message:
      /^a\.parquet: it has 10000 columns beside its key, and a table of BigQuery takes 9999; use the backend local$/,
  });
});
