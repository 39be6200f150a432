/** What is left of a pair on BigQuery: the real client, the emulator, and the strict proxy's own books. */
import assert from 'node:assert/strict';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { after, before, test, type TestContext } from 'node:test';
import { openClient } from '../../src/bigquery/client.ts';
import { findResult } from '../../src/bigquery/find-result.ts';
import { leaveResult } from '../../src/bigquery/leave-result.ts';
import { readMergedParts } from '../../src/bigquery/merged-parts.ts';
import { queryParts } from '../../src/bigquery/query-parts.ts';
import type { ResultRequest } from '../../src/bigquery/result-session.ts';
import { stageTables } from '../../src/bigquery/stage-tables.ts';
import { tidyTables } from '../../src/bigquery/tidy-tables.ts';
import type { BookedJob } from '../../src/emulator/jobs.ts';
import { startEmulator, type RunningEmulator } from '../../src/emulator/start.ts';
import { stagingPath, type Staging } from '../../src/merge/staging.ts';
import { PROJECT } from '../emulator/clients.ts';
import { expectedRow, LOCATION, pairBench, ROWS, type PairBench } from './staged-pair.ts';

const MIB = 1024 * 1024;
const DAY_MS = 86_400_000;

let emulator: RunningEmulator;
before(async () => (emulator = await startEmulator({ project: PROJECT })));
after(() => emulator.stop());

interface ResultBench extends PairBench {
  request: ResultRequest;
}

/** A pair whose tables are to stay, in a dataset of its own: staged and queried, in parts of so many columns. */
async function resultBench(t: TestContext, partitionColumns = 6): Promise<ResultBench> {
  const bench = await pairBench(t, emulator.restUrl, partitionColumns);
  const { dataset } = bench.request.config;
  const config = { ...bench.request.config, output: 'tables' as const, outputDataset: `${dataset}_kept` };
  const request = { ...bench.request, config, replace: false };
  await stageTables(request, bench.hooks);
  await queryParts(request, bench.hooks);
  return { ...bench, request };
}

const resultsOf = ({ config }: ResultRequest) =>
  openClient({ project: PROJECT, location: LOCATION }).dataset(config.outputDataset!);
const namesIn = async (request: ResultRequest): Promise<string[]> =>
  (await resultsOf(request).getTables())[0].map(({ id }) => id!).sort();
const jobsOf = ({ proxy }: PairBench): BookedJob[] => proxy.books();
const viewRows = async (request: ResultRequest, view: string): Promise<Record<string, unknown>[]> =>
  (
    await openClient({ project: PROJECT, location: LOCATION }).query({
      query: `SELECT * FROM \`${request.config.outputDataset}.${view}\` ORDER BY interval_time`,
      location: LOCATION,
    })
  )[0] as Record<string, unknown>[];
const NAMES = [
  'EURUSD_1',
  'EURUSD_1_data',
  'EURUSD_2',
  'EURUSD_2_data',
  'EURUSD_3',
  'EURUSD_3_data',
  'EURUSD_manifest',
];

/** Times of the client are objects with their text, numbers of NUMERIC ones that say it. */
function shown(value: unknown): string | number | boolean | null {
  if (value === null || typeof value !== 'object') return value as string | number | boolean | null;
  const { value: text } = value as { value?: string };
  return text ?? Number(value);
}

test('views give the columns their names and types; the manifest says what is what', async (t) => {
  const bench = await resultBench(t);
  const { request, hooks, books } = bench;
  const before = { jobs: jobsOf(bench).length, nanos: sum(books) };
  const left = await leaveResult(request, 'none', hooks);
  const jobs = jobsOf(bench).slice(before.jobs);
  assert.deepEqual(await namesIn(request), NAMES);
  assert.equal(left.tables, `${PROJECT}.${request.config.outputDataset}: EURUSD_1, EURUSD_2, EURUSD_3`);
  assert.deepEqual([left.parts, left.rows, left.columns, left.files, left.verified], [3, ROWS, 13, 3, 'none']);
  assert.ok(left.bytes > ROWS * 12 * 8 * 0.5, `${left.bytes}`);

  const rows = await Promise.all(
    NAMES.slice(0, 6).flatMap((name) => (name.endsWith('a') ? [] : [viewRows(request, name)])),
  );
  assert.deepEqual(
    rows.map((view) => Object.keys(view[0]!)),
    [
      ['interval_time', 'price', 'day', 'label', `is_open_${hashOf(rows[0]![0]!)}`],
      ['interval_time', 'Ratio', 'opened', `OPENED_${hashOf(rows[1]![0]!)}`, 'is_open'],
      ['interval_time', 'seen', '_2nd', 'x_table_x', 'gr__e'],
    ],
  );
  for (let i = 0; i < ROWS; i++) {
    const values = rows.map((view) => Object.values(view[i]!).map(shown));
    const micros = BigInt(2147000000 + i * 10000);
    const key = new Date(Number(micros / 1000n)).toISOString();
    for (const [time] of values) assert.equal(String(time).slice(0, 23), key.slice(0, 23));
    const got = values.flatMap((row) => row.slice(1));
    const raw = expectedRow(i) as (number | Buffer | null)[];
    const [, day, label, , , opened, , , , time, decimal, local] = raw;
    const belowMinute = (value: ReturnType<typeof shown> = null): number | null =>
      value === null ? null : Math.round(Number(String(value).replace(/^.*:|Z$/g, '')) * 1e6);
    assert.deepEqual(
      got.map((value, at) => (at === 5 || at === 9 ? belowMinute(value) : at === 10 ? Number(value) : value)),
      raw.map((value, at) => {
        if (at === 1) return day === null ? null : new Date(Number(day) * DAY_MS).toISOString().slice(0, 10);
        if (at === 2) return (label as Buffer).toString('utf8');
        // Of a timestamp and a time: what is below a minute.
        if (at === 5 || at === 9) return at === 5 ? opened : time;
        if (at === 10) return Number(decimal) / 100;
        return at === 11
          ? new Date(Number(local)).toISOString().replace(/(\.000)?Z$/, (end) => (end === 'Z' ? '000' : ''))
          : value;
      }),
      `row ${i}`,
    );
  }

  const [manifest] = (await resultsOf(request).table('EURUSD_manifest').getRows()) as [Record<string, unknown>[]];
  assert.equal(manifest.length, 13);
  const about = (original: string) => manifest.find((row) => row.original_name === original)!;
  assert.deepEqual(
    [about('interval_time').ordinal, about('interval_time').view_name, about('interval_time').type],
    [1, null, 'TIMESTAMP'],
  );
  const seen = about('seen');
  assert.deepEqual(
    [seen.ordinal, seen.column_name, seen.view_name, seen.table_name, seen.table_column, seen.type, seen.parquet_type],
    [10, 'seen', 'EURUSD_3', 'EURUSD_3_data', 'c0', 'INT64', 'int64 timestamp ns local'],
  );
  assert.deepEqual(
    [seen.source_file, seen.meaning],
    ['c.parquet', 'nanoseconds since 1970-01-01 00:00, without a zone'],
  );
  assert.match(String(seen.source_sha256), /^[0-9a-f]{64}$/);
  assert.equal(about('2nd').column_name, '_2nd');

  for (const name of NAMES) {
    const [metadata] = (await resultsOf(request).table(name).getMetadata()) as unknown as [
      {
        labels: Record<string, string>;
        description: string;
        expirationTime?: string;
        schema: { fields: { description?: string }[] };
      },
    ];
    assert.equal(metadata.labels.widemerge_pair, 'eurusd');
    assert.equal(metadata.labels.widemerge_run, 'fx-2026-11-24t02-00-00-000z');
    assert.equal(metadata.expirationTime, undefined);
    for (const { description } of metadata.schema.fields) assert.ok((description ?? '') !== '', name);
  }
  const [{ schema }] = (await resultsOf(request).table('EURUSD_3').getMetadata()) as unknown as [
    { schema: { fields: { name: string; description: string }[] } },
  ];
  assert.match(schema.fields[1]!.description, /^nanoseconds since 1970.*from c\.parquet$/);

  // Free copies and a free load; one query for the positions, 10 MiB a table.
  assert.deepEqual(jobs.map(({ kind, bytesBilled }) => [kind, bytesBilled]).sort(), [
    ['copy', 0],
    ['copy', 0],
    ['copy', 0],
    ['load', 0],
    ['query', 30 * MIB],
  ]);
  assert.deepEqual([left.queries, left.bytesBilled, left.nanos], [1, 30 * MIB, sum(books) - before.nanos]);
});

const sum = ({ settled }: ResultBench['books']): number =>
  [...settled.values()].reduce((all, { nanos }) => all + nanos, 0);
/** Of the one name that is replaced with a digest. */
const hashOf = (row: Record<string, unknown>): string =>
  Object.keys(row)
    .find((name) => /_[0-9a-f]{8}$/.test(name))!
    .slice(-8);

test('the next attempt, and the next run, find it complete: nothing is done or paid again', async (t) => {
  const bench = await resultBench(t);
  const { request, hooks } = bench;
  assert.equal(await findResult(request, hooks), null);
  const left = await leaveResult(request, 'full', hooks);
  assert.equal(left.verified, 'full');
  await tidyTables(request, hooks);
  assert.equal((await namesIn(request)).length, 7, 'tidying leaves it alone');
  const jobs = jobsOf(bench).length;
  for (const again of [request, { ...request, run: 'fx@2026-11-25T02:00:00.000Z', round: 2 }]) {
    const { queries, bytesBilled, nanos, ...known } = await leaveResult(again, 'none', hooks);
    assert.deepEqual([queries, bytesBilled, nanos], [0, 0, 0]);
    assert.deepEqual(await findResult(again, hooks), known);
    assert.deepEqual({ ...known, queries: left.queries, bytesBilled: left.bytesBilled, nanos: left.nanos }, left);
  }
  assert.equal(jobsOf(bench).length, jobs);
  await resultsOf(request).table('EURUSD_2').delete();
  assert.equal(await findResult(request, hooks), null, 'a manifest of what is gone says nothing');
});

/** Other checkpoints under the same pair's name, as far as what is left goes by them. */
async function otherContent({ workspace }: ResultRequest): Promise<void> {
  const staging = JSON.parse(await readFile(stagingPath(workspace), 'utf8')) as Staging;
  staging.checkpoints[0]!.columns[0]!.name = 'other';
  await writeFile(stagingPath(workspace), JSON.stringify(staging));
}

test('another result under the same name is refused, or replaced where that is asked for', async (t) => {
  const bench = await resultBench(t);
  const { request, hooks } = bench;
  await leaveResult(request, 'none', hooks);
  await otherContent(request);
  const kept = await namesIn(request);
  for (const attempt of [() => findResult(request, hooks), () => leaveResult(request, 'none', hooks)])
    await assert.rejects(attempt, {
      name: 'OutputExists',
      message: /EURUSD_manifest: is there already.*replace: true/,
    });
  assert.deepEqual(await namesIn(request), kept);

  // In two parts now: what the third was goes.
  const wider = { ...request, replace: true, config: { ...request.config, partitionColumns: 9 } };
  assert.equal(await findResult(wider, hooks), null);
  await queryParts(wider, hooks);
  const left = await leaveResult(wider, 'none', hooks);
  assert.equal(left.parts, 2);
  assert.deepEqual(
    await namesIn(request),
    NAMES.filter((name) => !name.startsWith('EURUSD_3')),
  );
  assert.ok('other' in (await viewRows(request, 'EURUSD_1'))[0]!);
});

test('a crash before the manifest: what is there is taken up, copied and paid once', async (t) => {
  const bench = await resultBench(t);
  const { request, hooks, proxy } = bench;
  proxy.planFaults({
    planned: [{ on: 'insert', of: 'POST /upload', after: 0, fault: { fault: 'job-error', reason: 'accessDenied' } }],
  });
  await assert.rejects(leaveResult(request, 'none', hooks), /accessDenied/);
  proxy.planFaults({});
  assert.deepEqual(await namesIn(request), NAMES.slice(0, 6), 'no manifest: not complete');
  const jobs = jobsOf(bench).length;
  const left = await leaveResult({ ...request, round: 1 }, 'none', hooks);
  assert.equal(left.parts, 3);
  const more = jobsOf(bench).slice(jobs);
  assert.deepEqual(
    more.map(({ kind }) => kind),
    ['query', 'load'],
    "an operator's next round asks anew, and copies nothing again",
  );
  assert.equal(left.bytesBilled, 30 * MIB);
});

test('a crash between a copy and its description: the copy is made again', async (t) => {
  const bench = await resultBench(t);
  const { request, hooks, proxy } = bench;
  proxy.planFaults({
    planned: [
      { on: 'metadata', of: 'PATCH', after: 0, fault: { fault: 'error', when: 'before', reason: 'accessDenied' } },
    ],
  });
  await assert.rejects(leaveResult(request, 'none', hooks), /accessDenied/);
  proxy.planFaults({});
  assert.equal((await leaveResult(request, 'none', hooks)).parts, 3);
  assert.equal(jobsOf(bench).filter(({ kind }) => kind === 'query').length, 4);
});

test('lost answers and refusals: everything is there once, and paid once', async (t) => {
  const bench = await resultBench(t);
  const { request, hooks, proxy } = bench;
  proxy.planFaults({
    seeded: {
      seed: 5,
      rate: 0.2,
      choices: [
        { on: ['insert', 'poll', 'metadata'], fault: { fault: 'error', when: 'before', reason: 'backendError' } },
        { on: ['insert', 'poll', 'metadata'], fault: { fault: 'error', when: 'after', reason: 'internalError' } },
        { on: ['insert', 'poll', 'metadata'], fault: { fault: 'cut', when: 'after' } },
        { on: ['insert'], fault: { fault: 'slow', polls: 2 } },
      ],
    },
  });
  await leaveResult(request, 'none', hooks);
  assert.ok(proxy.injectedFaults().length >= 5, `${proxy.injectedFaults().length} faults`);
  proxy.planFaults({});
  assert.deepEqual(await namesIn(request), NAMES);
  assert.equal((await viewRows(request, 'EURUSD_2')).length, ROWS);
  assert.equal(
    jobsOf(bench).filter(({ kind }) => kind === 'query').length,
    3 + 1 + 1,
    'three joins, one check, and ours',
  );
});

test('where the money ends nothing is asked; with more of it the result is completed', async (t) => {
  const bench = await resultBench(t);
  const { request, hooks, books } = bench;
  books.limitNanos = 0;
  const jobs = jobsOf(bench).length;
  await assert.rejects(leaveResult(request, 'none', hooks), { name: 'BudgetExceeded' });
  assert.ok(
    jobsOf(bench)
      .slice(jobs)
      .every(({ kind }) => kind === 'copy'),
  );
  books.limitNanos = Infinity;
  assert.equal((await leaveResult(request, 'none', hooks)).parts, 3);
  assert.deepEqual(
    jobsOf(bench)
      .slice(jobs + 3)
      .map(({ kind }) => kind),
    ['query', 'load'],
  );
});

test("somebody else's table under one of the names is never touched, not even to replace", async (t) => {
  const { request, hooks } = await resultBench(t);
  await findResult(request, hooks);
  await resultsOf(request).createTable('EURUSD_2_data', { schema: { fields: [{ name: 'x', type: 'INT64' }] } });
  await resultsOf(request).createTable('EURUSD_17_other', { schema: { fields: [{ name: 'x', type: 'INT64' }] } });
  for (const replace of [false, true]) {
    const asked = { ...request, replace };
    for (const attempt of [() => findResult(asked, hooks), () => leaveResult(asked, 'none', hooks)])
      await assert.rejects(attempt, {
        name: 'OutputExists',
        message: /EURUSD_2_data: is there already and is not of this pair/,
      });
  }
  assert.deepEqual(await namesIn(request), ['EURUSD_17_other', 'EURUSD_2_data']);
});

test('a merged table that has expired is made again; positions that are not there once are told', async (t) => {
  const bench = await resultBench(t);
  const { request, hooks } = bench;
  const { parts } = await readMergedParts(request.workspace);
  const staged = openClient({ project: PROJECT, location: LOCATION }).dataset(request.config.dataset);
  await staged.table(parts[1]!.table).delete();
  const left = await leaveResult(request, 'full', hooks);
  assert.deepEqual([left.parts, left.queries, left.verified], [3, 1, 'none'], 'not the table that was verified');
  assert.equal(left.queried?.queries, 4, 'the bill of all joins');

  const other = await resultBench(t);
  const [part] = (await readMergedParts(other.request.workspace)).parts;
  await openClient({ project: PROJECT, location: LOCATION }).query({
    query: `UPDATE \`${other.request.config.dataset}.${part!.table}\` SET position = 7 WHERE position = 8`,
    location: LOCATION,
  });
  await assert.rejects(leaveResult(other.request, 'none', other.hooks), {
    name: 'OutputMismatch',
    message: /EURUSD_1_data: has 200 rows with 199 positions from 0 to 199, and not each of 200 once/,
  });
  assert.ok(!(await namesIn(other.request)).includes('EURUSD_manifest'));
});

test('a dataset whose tables expire, or one in another place, is refused before anything is left', async (t) => {
  const { request, hooks } = await resultBench(t);
  const client = openClient({ project: PROJECT, location: LOCATION });
  const name = request.config.outputDataset!;
  await client.createDataset(name, { location: LOCATION, defaultTableExpirationMs: `${DAY_MS}` });
  await assert.rejects(findResult(request, hooks), {
    name: 'ConfigInvalid',
    message: /its tables expire.*bq update --default_table_expiration 0/,
  });
  await client.dataset(name).delete();
  await client.createDataset(name, { location: 'US' });
  await assert.rejects(findResult(request, hooks), { name: 'ConfigInvalid', message: /it is in US/ });
});

test('checkpoints that are not those that were sent are not taken for them', async (t) => {
  const { request, hooks } = await resultBench(t);
  const staging = JSON.parse(await readFile(stagingPath(request.workspace), 'utf8')) as Staging;
  await writeFile(stagingPath(request.workspace), JSON.stringify({ ...staging, planId: 'another' }));
  await appendFile(staging.checkpoints[0]!.path, '');
  await assert.rejects(leaveResult(request, 'none', hooks), { name: 'InputChanged' });
});
