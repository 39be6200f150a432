/** The contract of proxy and emulator, as the real clients see it. One emulator for all; a proxy for each test. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { BigQuery, Job, TableField } from '@google-cloud/bigquery';
import type { BigQueryReadClient } from '@google-cloud/bigquery-storage';
import type { ErrorReason } from '../../src/emulator/errors.ts';
import type { Fault } from '../../src/emulator/faults.ts';
import { startProxy } from '../../src/emulator/proxy.ts';
import type { ProxyOptions, RunningProxy } from '../../src/emulator/proxy.ts';
import { startReadProxy } from '../../src/emulator/read-proxy.ts';
import type { ReadFault } from '../../src/emulator/read-proxy.ts';
import { startEmulator } from '../../src/emulator/start.ts';
import type { RunningEmulator } from '../../src/emulator/start.ts';
import { writeParquet } from '../support/parquet-by-sql.ts';
import { PROJECT, readClient, restClient } from './clients.ts';

const MEBIBYTE = 1024 * 1024;
const ROWS = 1_000;
const FIELDS: TableField[] = [
  { name: 'k', type: 'INT64' },
  { name: 'x', type: 'FLOAT64' },
  { name: 's', type: 'STRING' },
];

let emulator: RunningEmulator;
let folder: string;
let parquet: string;
let datasets = 0;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'widemerge-test-'));
  // Temporary files of this file's emulators, and no others, are in here.
  process.env.TMPDIR = folder;
  parquet = join(folder, 'checkpoint.parquet');
  const sql = `SELECT range AS k, range / 2 AS x, repeat('é', 2) AS s FROM range(${ROWS})`;
  [emulator] = await Promise.all([startEmulator({ project: PROJECT }), writeParquet({ [parquet]: sql })]);
});

after(async () => {
  await emulator.stop();
  await rm(folder, { recursive: true, force: true });
});

interface Bench {
  proxy: RunningProxy;
  bigQuery: BigQuery;
  dataset: string;
  /** Loads the file into a table of FIELDS, which is made by the load. */
  load: (table: string, jobId: string) => Promise<Job>;
}

async function bench(t: TestContext, options: Partial<ProxyOptions> = {}, location = 'EU'): Promise<Bench> {
  const proxy = await startProxy({ restUrl: emulator.restUrl, ...options });
  t.after(() => proxy.stop());
  const bigQuery = restClient(proxy.url);
  const dataset = `set_${++datasets}`;
  await bigQuery.createDataset(dataset, { location });
  const load = async (table: string, jobId: string): Promise<Job> => {
    const schema = { fields: FIELDS };
    const metadata = { jobId, location, sourceFormat: 'PARQUET', schema };
    const [job] = await bigQuery.dataset(dataset, { location }).table(table).createLoadJob(parquet, metadata);
    await finished(job);
    return job;
  };
  return { proxy, bigQuery, dataset, load };
}

/** Polls until the job is done; the metadata, whatever came of it. */
async function finished(job: Job): Promise<{ status: { state: string; errorResult?: { reason: string } } }> {
  for (;;) {
    const [metadata] = (await job.getMetadata()) as unknown as [
      { status: { state: string; errorResult?: { reason: string } } },
    ];
    if (metadata.status.state === 'DONE') return metadata;
  }
}

function query(bigQuery: BigQuery, sql: string, options: object = {}): Promise<Job> {
  return bigQuery.createQueryJob({ query: sql, location: 'EU', ...options }).then(([job]) => job);
}

/** Of an error of the client: its status and reason. */
function refused(code: number, reason: string): (error: unknown) => boolean {
  return (error) => {
    const { code: status, errors } = error as { code?: number; errors?: { reason?: string }[] };
    assert.deepEqual([status, errors?.[0]?.reason], [code, reason], String(error));
    return true;
  };
}

test('a table with a schema, a load of a local file under an id of its own, rows and Storage Read', async (t) => {
  const { proxy, bigQuery, dataset, load } = await bench(t);
  await bigQuery.dataset(dataset).createTable('checkpoint', { schema: { fields: FIELDS } });
  const job = await load('checkpoint', 'load-1');
  assert.equal(job.id, 'load-1');
  const [metadata] = (await job.getMetadata()) as unknown as [{ statistics: { load: { outputRows: string } } }];
  assert.equal(metadata.statistics.load.outputRows, `${ROWS}`);
  const booked = proxy.books();
  assert.deepEqual(
    booked.map(({ jobId, location, kind, state, reason, bytesBilled }) => [
      jobId,
      location,
      kind,
      state,
      reason,
      bytesBilled,
    ]),
    [['load-1', 'EU', 'load', 'DONE', null, 0]],
  );

  const read = readClient(emulator.grpcPort);
  t.after(() => read.close());
  const parent = `projects/${PROJECT}`;
  assert.equal(await rowsOf(read, `${parent}/datasets/${dataset}/tables/checkpoint`), ROWS);
});

/** Reads the key column of a table by Storage Read; the number of rows. */
async function rowsOf(client: BigQueryReadClient, table: string): Promise<number> {
  const readSession = { table, dataFormat: 'ARROW' as const, readOptions: { selectedFields: ['k'] } };
  const request = { parent: `projects/${PROJECT}`, maxStreamCount: 1, readSession };
  const [session] = await client.createReadSession(request);
  let rows = 0;
  // By itself the client tries a read again, whatever its error, as long as no row has come.
  const options = { retryRequestOptions: { noResponseRetries: 0 } };
  for await (const part of client.readRows({ readStream: session.streams![0]!.name! }, options))
    rows += Number((part as { rowCount: string }).rowCount);
  return rows;
}

test('Storage Read through its own proxy: counted for each stream, and refused or cut where that is planned', async (t) => {
  const { dataset, load } = await bench(t);
  await load('a', 'load-a');
  const proxy = await startReadProxy({ grpcPort: emulator.grpcPort });
  t.after(() => proxy.stop());
  const read = readClient(proxy.grpcPort);
  t.after(() => read.close());
  const table = `projects/${PROJECT}/datasets/${dataset}/tables/a`;
  assert.equal(await rowsOf(read, table), ROWS);
  const [line, ...others] = proxy.books();
  assert.deepEqual([line?.method, others.length], ['ReadRows', 0]);
  assert.match(line!.parameters, /streams/);
  assert.ok(line!.bytes > 8 * ROWS && line!.bytes < 9 * ROWS, `${line!.bytes} bytes`);

  const faults: [ReadFault, number][] = [
    [{ fault: 'error', on: 'CreateReadSession', status: 8 }, 8],
    [{ fault: 'error', on: 'ReadRows', status: 7 }, 7],
    [{ fault: 'cut', on: 'ReadRows', afterBytes: 100 }, 13],
  ];
  for (const [fault, code] of faults) {
    proxy.planFaults([fault]);
    const got = await rowsOf(read, table).catch((error: unknown) => (error as { code?: number }).code);
    assert.equal(got, code, JSON.stringify([fault, proxy.books()]));
  }
  assert.equal(await rowsOf(read, table), ROWS);
});

test('the second job of an id is a duplicate, in this location only', async (t) => {
  const { bigQuery, load } = await bench(t);
  await load('a', 'twice');
  await assert.rejects(load('a', 'twice'), refused(409, 'duplicate'));
  await assert.rejects(query(bigQuery, 'SELECT 1', { jobId: 'twice' }), refused(409, 'duplicate'));
  await query(bigQuery, 'SELECT 1', { jobId: 'twice', location: 'US' });
});

test('bytes: a dry run tells them, the bill has 10 MiB for each table, a limit below it fails uncharged', async (t) => {
  const { proxy, bigQuery, dataset, load } = await bench(t);
  await Promise.all([load('a', 'load-a'), load('b', 'load-b')]);
  const dry = async (sql: string): Promise<number> => {
    const job = await query(bigQuery, sql, { dryRun: true });
    return Number((job.metadata as { statistics: { totalBytesProcessed: string } }).statistics.totalBytesProcessed);
  };
  const join = `SELECT a.k, b.x FROM \`${dataset}.a\` AS a JOIN \`${PROJECT}.${dataset}.b\` AS b USING (k)`;
  assert.equal(await dry(`SELECT x FROM ${dataset}.a`), 8 * ROWS);
  assert.equal(await dry(`SELECT s FROM ${dataset}.a`), 6 * ROWS);
  assert.equal(await dry(`SELECT * FROM ${dataset}.a -- 'x'`), 22 * ROWS);
  assert.equal(await dry(join), (16 + 16) * ROWS);
  await assert.rejects(dry(`SELECT k FROM ${dataset}.missing`), refused(404, 'notFound'));
  await assert.rejects(dry(`SELEC k FROM ${dataset}.a`), (error: { code?: number }) => error.code === 400);

  const limited = { jobId: 'limited', maximumBytesBilled: `${20 * MEBIBYTE - 1}` };
  const failed = await finished(await query(bigQuery, join, limited));
  assert.equal(failed.status.errorResult?.reason, 'bytesBilledLimitExceeded');
  const paid = await query(bigQuery, join, {
    jobId: 'paid',
    maximumBytesBilled: `${20 * MEBIBYTE}`,
    labels: { pair: 'eurusd' },
  });
  const [rows] = await paid.getQueryResults();
  assert.equal(rows.length, ROWS);
  const response = await fetch(`${proxy.url}/proxy/books`);
  const books = (await response.json()) as ReturnType<RunningProxy['books']>;
  const queries = books.filter(({ kind }) => kind === 'query');
  assert.deepEqual(
    queries.map(({ jobId, bytesBilled, labels }) => [jobId, bytesBilled, labels]),
    [
      ['limited', 0, {}],
      ['paid', 20 * MEBIBYTE, { pair: 'eurusd' }],
    ],
  );
});

test('destinationTable is written, and what is there is not overwritten unless asked', async (t) => {
  const { bigQuery, dataset, load } = await bench(t);
  await load('a', 'load-a');
  const destination = bigQuery.dataset(dataset).table('wide');
  const sql = `SELECT k, x FROM ${dataset}.a WHERE k < 10 ORDER BY k`;
  const job = await query(bigQuery, sql, { destination });
  const [rows] = await job.getQueryResults({ maxResults: 4, autoPaginate: false });
  assert.equal(rows.length, 4);
  const [{ numRows }] = (await destination.getMetadata()) as unknown as [{ numRows: string }];
  assert.equal(numRows, '10');
  const again = await finished(await query(bigQuery, sql, { destination }));
  assert.equal(again.status.errorResult?.reason, 'duplicate');
  for (const [writeDisposition, count] of [
    ['WRITE_APPEND', '20'],
    ['WRITE_TRUNCATE', '10'],
  ] as const) {
    await finished(await query(bigQuery, sql, { destination, writeDisposition }));
    assert.equal(((await destination.getMetadata()) as unknown as [{ numRows: string }])[0].numRows, count);
  }
});

test('loads: a table that holds rows or is missing, where the load says that it must not; and when tables expire', async (t) => {
  const { bigQuery, dataset } = await bench(t);
  const made = bigQuery.dataset(dataset);
  const loadInto = async (table: string, disposition: object): Promise<string | undefined> => {
    const metadata = { location: 'EU', sourceFormat: 'PARQUET', schema: { fields: FIELDS }, ...disposition };
    const [job] = await made.table(table).createLoadJob(parquet, metadata);
    return (await finished(job)).status.errorResult?.reason;
  };
  const expiresAt = async (table: string): Promise<number> => {
    const [metadata] = (await made.table(table).getMetadata()) as unknown as [{ expirationTime?: string }];
    return Number(metadata.expirationTime);
  };
  const strict = { createDisposition: 'CREATE_NEVER', writeDisposition: 'WRITE_EMPTY' };
  assert.equal(await loadInto('a', strict), 'notFound');
  await made.createTable('a', { schema: { fields: FIELDS }, expirationTime: '4000000000000' });
  assert.equal(await loadInto('a', strict), undefined);
  assert.equal(await loadInto('a', strict), 'duplicate');
  assert.equal(await expiresAt('a'), 4e12);
  await made.table('a').setMetadata({ expirationTime: '4000000000001' });
  assert.equal(await expiresAt('a'), 4e12 + 1);
  await bigQuery.createDataset(`${dataset}_brief`, { location: 'EU', defaultTableExpirationMs: '3600000' });
  const brief = bigQuery.dataset(`${dataset}_brief`);
  await brief.createTable('b', { schema: { fields: FIELDS } });
  const [b] = (await brief.table('b').getMetadata()) as unknown as [Record<'creationTime' | 'expirationTime', string>];
  assert.equal(Number(b.expirationTime) - Number(b.creationTime), 3_600_000);
});

test('limits: columns, tables, text, names that differ in case only', async (t) => {
  const { bigQuery, dataset, load } = await bench(t);
  await load('a', 'load-a');
  const names = Array.from({ length: 10_001 }, (_, index) => `c${index}`);
  const fields = (list: string[]) => ({ schema: { fields: list.map((name) => ({ name, type: 'INT64' })) } });
  const made = bigQuery.dataset(dataset);
  await made.createTable('widest', fields(names.slice(1)));
  await assert.rejects(made.createTable('wider', fields(names)), refused(400, 'invalid'));
  await assert.rejects(made.createTable('alike', fields(['a', 'A'])), refused(400, 'invalid'));

  const wide = `SELECT ${names.map((name) => `COALESCE(k, 1) AS ${name}`).join(', ')} FROM ${dataset}.a`;
  await assert.rejects(query(bigQuery, wide, { dryRun: true }), refused(400, 'invalid'));
  assert.equal((await finished(await query(bigQuery, wide))).status.errorResult?.reason, 'invalid');
  const many = names.slice(0, 1_001).map((name) => `SELECT k FROM ${dataset}.${name}`);
  await assert.rejects(query(bigQuery, many.join(' UNION ALL '), { dryRun: true }), refused(400, 'invalid'));
  await assert.rejects(query(bigQuery, `SELECT '${'x'.repeat(MEBIBYTE)}'`), refused(400, 'invalid'));
});

test('views: no schema while they are made, a text and columns within bounds, and only descriptions change', async (t) => {
  const { bigQuery, dataset, load } = await bench(t);
  await load('t', 'views-load');
  const own = bigQuery.dataset(dataset);
  const view = (query: string) => ({ query, useLegacySql: false });
  const from = `FROM \`${PROJECT}.${dataset}.t\``;
  const schema = { fields: [{ name: 'a', type: 'INT64' }] };
  const refuses = (metadata: object, message: RegExp) => assert.rejects(own.createTable('bad', metadata), { message });
  await refuses({ view: view(`SELECT k AS a ${from}`), schema }, /Schema field shouldn't be used as input with a view/);
  await refuses({ view: view(`SELECT k AS a ${from} -- ${'x'.repeat(MEBIBYTE)}`) }, /query is too large/);
  const many = Array.from({ length: 10_001 }, (_, i) => `k AS c${i}`).join(', ');
  await refuses({ view: view(`SELECT ${many} ${from}`) }, /Too many columns: 10001/);
  await refuses({ view: view(`SELECT k AS \`a.b\` ${from}`) }, /Invalid field name/);
  await refuses({ view: view(`SELECT k AS a ${from}`), labels: { Pair: 'EURUSD' } }, /Label/);
  assert.deepEqual(
    (await own.getTables())[0].map(({ id }) => id),
    ['t'],
  );

  await own.createTable('v', { view: view(`SELECT k AS a ${from}`), description: 'd' });
  await own.table('v').setMetadata({ schema: { fields: [{ ...schema.fields[0], description: 'the key' }] } });
  const [made] = (await own.table('v').getMetadata()) as unknown as [
    { schema: typeof schema; view: { query: string } },
  ];
  assert.deepEqual(made.schema.fields, [{ name: 'a', type: 'INT64', mode: 'NULLABLE', description: 'the key' }]);
  assert.equal(made.view.query, `SELECT k AS a ${from}`);
  const changes: [TableField, RegExp][] = [
    [{ name: 'a', type: 'STRING' }, /changed type/],
    [{ name: 'a', type: 'INT64', mode: 'REQUIRED' }, /changed mode/],
    [{ name: 'b', type: 'INT64' }, /missing in new schema/],
  ];
  for (const [field, message] of changes)
    await assert.rejects(own.table('v').setMetadata({ schema: { fields: [field] } }), { message });
});

test('copies: free, of a table that is there, over nothing that is', async (t) => {
  const { proxy, bigQuery, dataset, load } = await bench(t);
  await load('t', 'copies-load');
  const place = { projectId: PROJECT, datasetId: dataset };
  const copy = async (from: string, to: string, jobId: string) => {
    const tables = { sourceTable: { ...place, tableId: from }, destinationTable: { ...place, tableId: to } };
    const [job] = await bigQuery.createJob({ configuration: { copy: tables }, jobId, location: 'EU' });
    return (await finished(job)).status.errorResult?.reason;
  };
  assert.equal(await copy('t', 'u', 'copy-1'), undefined);
  const [made] = (await bigQuery.dataset(dataset).table('u').getMetadata()) as unknown as [{ numRows: string }];
  assert.equal(Number(made.numRows), ROWS);
  assert.equal(await copy('t', 'u', 'copy-2'), 'duplicate');
  assert.equal(await copy('gone', 'w', 'copy-3'), 'notFound');
  const copies = proxy.books().filter(({ kind }) => kind === 'copy');
  assert.deepEqual(
    copies.map(({ bytesBilled }) => bytesBilled),
    [0, 0, 0],
  );
});

test('a dataset of another location is not found', async (t) => {
  const { bigQuery, dataset, load } = await bench(t);
  const job = await load('a', 'load-a');
  const wrong = await query(bigQuery, `SELECT k FROM ${dataset}.a`, { location: 'US' });
  assert.equal((await finished(wrong)).status.errorResult?.reason, 'notFound');
  await assert.rejects(bigQuery.job(job.id!, { location: 'US' }).getMetadata(), refused(404, 'notFound'));
});

test('a cancelled job stops without effect and is charged in full', async (t) => {
  const { proxy, bigQuery, dataset, load } = await bench(t);
  await load('a', 'load-a');
  proxy.planFaults({ planned: [{ on: 'insert', fault: { fault: 'slow', polls: 1_000_000 } }] });
  const destination = bigQuery.dataset(dataset).table('never');
  const job = await query(bigQuery, `SELECT k FROM ${dataset}.a`, { destination, jobId: 'slow' });
  const [running] = (await job.getMetadata()) as unknown as [{ status: { state: string } }];
  assert.equal(running.status.state, 'RUNNING');
  await job.cancel();
  assert.equal((await finished(job)).status.errorResult?.reason, 'stopped');
  assert.deepEqual(await destination.exists(), [false]);
  assert.equal(proxy.books().find(({ jobId }) => jobId === 'slow')?.bytesBilled, 10 * MEBIBYTE);
});

test('faults: errors and cuts before and after the effect, an expired token, slow and failing jobs', async (t) => {
  const { proxy, bigQuery, dataset, load } = await bench(t);
  await load('a', 'load-a');
  const sql = `SELECT k FROM ${dataset}.a`;
  const accepted = (jobId: string): boolean => proxy.books().some((job) => job.jobId === jobId);
  const plan = (fault: Fault, on: 'insert' | 'poll' = 'insert'): void => proxy.planFaults({ planned: [{ on, fault }] });

  for (const when of ['before', 'after'] as const) {
    plan({ fault: 'error', when, reason: 'backendError' });
    await assert.rejects(query(bigQuery, sql, { jobId: `error-${when}` }), refused(503, 'backendError'));
    plan({ fault: 'cut', when });
    await assert.rejects(query(bigQuery, sql, { jobId: `cut-${when}` }));
    assert.deepEqual([accepted(`error-${when}`), accepted(`cut-${when}`)], [when === 'after', when === 'after']);
  }
  await assert.rejects(query(bigQuery, sql, { jobId: 'error-after' }), refused(409, 'duplicate'));
  const found = bigQuery.job('error-after', { location: 'EU' });
  assert.equal((await finished(found)).status.errorResult, undefined);

  plan({ fault: 'expired-token' }, 'poll');
  await assert.rejects(found.getMetadata(), (error: { code?: number }) => error.code === 401);

  plan({ fault: 'slow', polls: 3 });
  const slow = await query(bigQuery, sql);
  const states = [];
  for (let polls = 0; polls < 2; polls++) {
    const [metadata] = (await slow.getMetadata()) as unknown as [{ status: { state: string } }];
    states.push(metadata.status.state);
  }
  assert.deepEqual(states, ['RUNNING', 'RUNNING']);
  assert.equal((await finished(slow)).status.errorResult, undefined);

  const reasons: ErrorReason[] = [
    'jobBackendError',
    'jobInternalError',
    'resourcesExceeded',
    'quotaExceeded',
    'accessDenied',
  ];
  for (const reason of reasons) {
    plan({ fault: 'job-error', reason });
    const job = await query(bigQuery, sql, { jobId: `fails-${reason}` });
    assert.equal((await finished(job)).status.errorResult?.reason, reason);
    assert.equal(proxy.books().find(({ jobId }) => jobId === `fails-${reason}`)?.bytesBilled, 0);
  }
  plan({ fault: 'error', when: 'before', reason: 'rateLimitExceeded' });
  await assert.rejects(load('a', 'limited'), refused(403, 'rateLimitExceeded'));
  assert.equal(proxy.injectedFaults().length, 12);
});

test('under drawn faults, whoever repeats an id until it is done pays once for each', async (t) => {
  const { proxy, bigQuery, dataset, load } = await bench(t);
  await load('a', 'load-a');
  const seeded = {
    seed: 5,
    rate: 0.4,
    choices: [
      { on: ['insert', 'poll'], fault: { fault: 'error', when: 'before', reason: 'backendError' } },
      { on: ['insert', 'poll'], fault: { fault: 'error', when: 'after', reason: 'internalError' } },
      { on: ['insert', 'poll'], fault: { fault: 'cut', when: 'before' } },
      { on: ['insert', 'poll'], fault: { fault: 'cut', when: 'after' } },
      { on: ['insert', 'poll'], fault: { fault: 'expired-token' } },
      { on: ['insert'], fault: { fault: 'slow', polls: 3 } },
    ],
  };
  const sent = await fetch(`${proxy.url}/proxy/faults`, { method: 'POST', body: JSON.stringify({ seeded }) });
  assert.equal(sent.status, 200);
  const ids = Array.from({ length: 20 }, (_, index) => `step-${index}`);
  for (const jobId of ids) {
    const known = (): Promise<boolean> =>
      query(bigQuery, `SELECT k FROM ${dataset}.a`, { jobId }).then(
        () => true,
        (error: unknown) => (error as { code?: number }).code === 409,
      );
    while (!(await known()));
    const job = bigQuery.job(jobId, { location: 'EU' });
    while ((await finished(job).catch(() => null)) === null);
  }
  const paid = proxy.books().filter(({ bytesBilled }) => bytesBilled > 0);
  assert.deepEqual(
    paid.map(({ jobId, state, bytesBilled }) => [jobId, state, bytesBilled]),
    ids.map((jobId) => [jobId, 'DONE', 10 * MEBIBYTE]),
  );
  const injected = (await (await fetch(`${proxy.url}/proxy/faults`)).json()) as { fault: Fault }[];
  assert.equal(new Set(injected.map(({ fault }) => JSON.stringify(fault))).size, seeded.choices.length);
});

test('the sixth update of a table in ten seconds is refused where the rate is limited', async (t) => {
  const { bigQuery, dataset, load } = await bench(t, { limitMetadataRate: true });
  const table = bigQuery.dataset(dataset).table('a');
  await load('a', 'load-a');
  for (let update = 2; update <= 5; update++) await table.setMetadata({ description: `${update}` });
  await assert.rejects(table.setMetadata({ description: 'one too many' }), refused(403, 'rateLimitExceeded'));
});

test('query(), the quick way, gives rows and errors', async (t) => {
  const { bigQuery, dataset, load } = await bench(t);
  await load('a', 'load-a');
  const [rows] = await bigQuery.query({ query: `SELECT COUNT(*) AS n FROM ${dataset}.a`, location: 'EU' });
  assert.deepEqual(rows, [{ n: ROWS }]);
  await assert.rejects(
    bigQuery.query({ query: `SELECT nothing FROM ${dataset}.a`, location: 'EU' }),
    (error: { code?: number }) => error.code === 400,
  );
});

test('a stopped emulator leaves no process and no file', async () => {
  const before = await scratchFolders();
  const own = await startEmulator({ project: PROJECT });
  assert.equal((await scratchFolders()).length, before.length + 1);
  await own.stop();
  assert.throws(() => process.kill(own.pid, 0), { code: 'ESRCH' });
  assert.deepEqual(await scratchFolders(), before);
});

test('an emulator ends with its owner, also where that is killed', async () => {
  const before = await scratchFolders();
  const start = new URL('../../src/emulator/start.ts', import.meta.url).href;
  const script = `const { startEmulator } = await import('${start}');
    console.log((await startEmulator({ project: 'demo' })).pid); setInterval(() => {}, 1000);`;
  const owner = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(owner.stdout, 'data')) as [Buffer];
  const pid = Number(line.toString());
  process.kill(pid, 0);
  owner.kill('SIGKILL');
  while (isRunning(pid)) await delay(20);
  assert.deepEqual(await scratchFolders(), before);
});

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function scratchFolders(): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name.startsWith('widemerge-bqemulator-')).sort();
}
