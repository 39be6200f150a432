/** A pair staged through a bucket: the emulator, the strict proxy and its object store, which the official client looks into. */
import assert from 'node:assert/strict';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { after, before, test, type TestContext } from 'node:test';
import type { Bucket } from '@google-cloud/storage';
import { BigQueryError } from '../../src/bigquery/error-reasons.ts';
import { readMergedParts } from '../../src/bigquery/merged-parts.ts';
import { queryParts } from '../../src/bigquery/query-parts.ts';
import { openClient } from '../../src/bigquery/client.ts';
import { stageTables } from '../../src/bigquery/stage-tables.ts';
import { tablePrefix } from '../../src/bigquery/staging-tables.ts';
import { tidyTables } from '../../src/bigquery/tidy-tables.ts';
import { bucketPlace } from '../../src/config/bucket-place.ts';
import type { Fault, PlannedFault } from '../../src/emulator/faults.ts';
import { startEmulator, type RunningEmulator } from '../../src/emulator/start.ts';
import { readStaging } from '../../src/merge/staging.ts';
import { PROJECT } from '../emulator/clients.ts';
import { storageClient } from '../emulator/storage-client.ts';
import { expectedRow, LOCATION, pairBench, ROWS, type PairBench } from './staged-pair.ts';

const FOLDER = 'staging/eu';
const TABLES = 4;

let emulator: RunningEmulator;
before(async () => (emulator = await startEmulator({ project: PROJECT })));
after(() => emulator.stop());

interface BucketBench extends PairBench {
  bucket: Bucket;
  /** Names of the objects that are there. */
  names: () => Promise<string[]>;
  bytes: number;
}

async function bucketBench(t: TestContext, { location = LOCATION, isThere = true } = {}): Promise<BucketBench> {
  const bench = await pairBench(t, emulator.restUrl);
  const storage = storageClient(bench.proxy.url);
  if (isThere) await storage.createBucket('b-1', { location });
  const bucket = storage.bucket('b-1');
  bench.request.config.bucket = `gs://b-1/${FOLDER}`;
  const { spine, checkpoints } = await readStaging(bench.request.workspace);
  const bytes = checkpoints.reduce((sum, { fingerprint, tail }) => sum + fingerprint.size + tail.bytes, spine.bytes);
  const names = async (): Promise<string[]> => (await bucket.getFiles())[0].map(({ name }) => name);
  return { ...bench, bucket, names, bytes };
}

const loads = ({ proxy }: PairBench): number => proxy.books().filter(({ kind }) => kind === 'load').length;
const put = (fault: Fault, passing = 0): PlannedFault => ({ on: 'object', of: 'PUT', after: passing, fault });
const failing = (reason: 'backendError' | 'forbidden', when: 'before' | 'after' = 'before'): Fault => ({
  ...{ fault: 'error', when, reason },
});

async function assertMerged({ request, hooks }: BucketBench): Promise<void> {
  await queryParts(request, hooks);
  const { parts } = await readMergedParts(request.workspace);
  const [rows] = await openClient({ project: PROJECT, location: LOCATION })
    .dataset(request.config.dataset)
    .table(parts[0]!.table)
    .getRows();
  assert.equal(rows.length, ROWS);
  for (const row of rows as Record<string, unknown>[]) {
    const expected = expectedRow(Number(row.position));
    assert.deepEqual(
      expected.map((_, i) => row[`c${i}`]),
      expected,
    );
  }
}

test('each table is loaded from an object, which goes with it; the next attempt sends nothing', async (t) => {
  const bench = await bucketBench(t);
  const { request, hooks, proxy, bytes } = bench;
  const steps: number[] = [];
  const first = await stageTables(request, { ...hooks, onProgress: ({ bytesDone }) => steps.push(bytesDone) });
  assert.deepEqual(first, { tables: TABLES, sent: TABLES, bytesSent: bytes });
  assert.equal(steps.at(-1), bytes);
  assert.deepEqual(proxy.receivedObjects(), { objects: TABLES, bytes });
  assert.equal(loads(bench), TABLES);
  assert.deepEqual(await bench.names(), []);
  assert.deepEqual(await stageTables(request, hooks), { tables: TABLES, sent: 0, bytesSent: 0 });
  assert.deepEqual(proxy.receivedObjects(), { objects: TABLES, bytes });
  await assertMerged(bench);
});

test('after a crash between object and load the object is found, and not sent again', async (t) => {
  const bench = await bucketBench(t);
  const { request, hooks, proxy } = bench;
  const fault: Fault = { fault: 'error', when: 'before', reason: 'accessDenied' };
  proxy.planFaults({ planned: Array.from({ length: TABLES }, () => ({ on: 'insert', fault })) });
  await assert.rejects(stageTables(request, hooks), { reason: 'accessDenied' });
  const left = await bench.names();
  assert.ok(left.length > 0);
  for (const name of left) assert.ok(name.startsWith(`${FOLDER}/${tablePrefix(request)}`), name);
  proxy.planFaults({});
  await stageTables(request, hooks);
  assert.equal(proxy.receivedObjects().objects, TABLES);
  assert.deepEqual(await bench.names(), []);
  await assertMerged(bench);
});

test('an object of that name with other bytes is not loaded', async (t) => {
  const bench = await bucketBench(t);
  const { request, hooks, proxy } = bench;
  const fault: Fault = { fault: 'error', when: 'before', reason: 'accessDenied' };
  proxy.planFaults({ planned: Array.from({ length: TABLES }, () => ({ on: 'insert', fault })) });
  await assert.rejects(stageTables(request, hooks), { reason: 'accessDenied' });
  const [name] = await bench.names();
  const [data] = await bench.bucket.file(name!).download({ validation: false });
  await bench.bucket.file(name!).save(Buffer.from(data).reverse(), { validation: false, resumable: false });
  proxy.planFaults({});
  await stageTables(request, hooks);
  await assertMerged(bench);
  assert.deepEqual(await bench.names(), []);
});

test('a crash between load and removal leaves an object, which the next attempt removes', async (t) => {
  const bench = await bucketBench(t);
  const { request, hooks, proxy } = bench;
  proxy.planFaults({
    planned: Array.from({ length: TABLES }, () => ({ on: 'object', of: 'DELETE', fault: failing('forbidden') })),
  });
  await assert.rejects(stageTables(request, hooks), { reason: 'accessDenied', type: 'ConfigInvalid' });
  assert.ok((await bench.names()).length > 0);
  proxy.planFaults({});
  await stageTables(request, hooks);
  assert.deepEqual(await bench.names(), []);
});

const troubles: [string, PlannedFault[]][] = [
  ['5xx where a session is made', [{ on: 'object', of: 'POST', fault: failing('backendError') }]],
  ['5xx before the bytes have an effect', [put(failing('backendError'))]],
  ['5xx after the object is there', [put(failing('backendError', 'after'))]],
  ['a connection that is cut before', [put({ fault: 'cut', when: 'before' })]],
  ['a connection that is cut after', [put({ fault: 'cut', when: 'after' })]],
  ['a token that has expired', [put({ fault: 'expired-token' })]],
  ['5xx of listing', [{ on: 'object', of: 'GET', fault: failing('backendError') }]],
  ['5xx of removing', [{ on: 'object', of: 'DELETE', fault: failing('backendError', 'after') }]],
  ['5xx of the load job', [{ on: 'insert', fault: failing('backendError', 'after') }]],
  ['a load job that fails', [{ on: 'insert', fault: { fault: 'job-error', reason: 'jobInternalError' } }]],
];
for (const [name, planned] of troubles)
  test(`${name}: every object is made once`, async (t) => {
    const bench = await bucketBench(t);
    const { request, hooks, proxy } = bench;
    proxy.planFaults({ planned });
    await stageTables(request, hooks);
    assert.equal(proxy.injectedFaults().length, 1);
    assert.equal(proxy.receivedObjects().objects, TABLES);
    assert.deepEqual(await bench.names(), []);
    await assertMerged(bench);
  });

test('a source that is not what was prepared leaves no object', async (t) => {
  const bench = await bucketBench(t);
  const { request, hooks, proxy } = bench;
  const { checkpoints } = await readStaging(request.workspace);
  const [grown, tail] = [checkpoints[1]!, checkpoints[2]!.tail];
  await appendFile(grown.path, 'x');
  await assert.rejects(stageTables(request, hooks), { name: 'InputChanged', message: /^b\.parquet/ });
  await writeFile(grown.path, (await readFile(grown.path)).subarray(0, -1));
  // The same size and time: only its digest tells, after all but the last bytes have been sent.
  await writeFile(tail.path, (await readFile(tail.path)).reverse());
  const elsewhere = { ...request, config: { ...request.config, dataset: `${request.config.dataset}_2` } };
  await assert.rejects(stageTables(elsewhere, hooks), { name: 'InputChanged' });
  assert.ok(!(await bench.names()).some((name) => name.includes(checkpoints[2]!.content.slice(0, 32))));
  assert.ok(proxy.books().every(({ reason }) => reason === null));
});

test('a bucket that is not there, that is elsewhere, or that must not be used is named', async (t) => {
  const says = async (bench: BucketBench, reason: string, type: string, message: RegExp): Promise<void> =>
    assert.rejects(stageTables(bench.request, bench.hooks), (error) => {
      assert.ok(error instanceof BigQueryError, String(error));
      assert.deepEqual([error.reason, error.type], [reason, type]);
      assert.match(error.message, message);
      return true;
    });
  const missing = await bucketBench(t, { isThere: false });
  await says(missing, 'notFound', 'ConfigInvalid', /^BigQuery: bucket b-1: .*does not exist/);
  assert.equal(loads(missing), 0);
  assert.deepEqual(await tidyTables(missing.request, missing.hooks), { removed: 0 });
  const elsewhere = await bucketBench(t, { location: 'US' });
  await says(elsewhere, 'invalid', 'CommandFailed', /different locations: source: US, destination: EU/);
  const denied = await bucketBench(t);
  denied.proxy.planFaults({ planned: [{ on: 'object', fault: failing('forbidden') }] });
  await says(denied, 'accessDenied', 'ConfigInvalid', /bucket b-1: accessDenied/);
  delete process.env.STORAGE_EMULATOR_HOST;
  await says(denied, 'notFound', 'ConfigInvalid', /BIGQUERY_EMULATOR_HOST is set and STORAGE_EMULATOR_HOST is not/);
});

test("tidy removes what is left of this pair's objects, and no others", async (t) => {
  const bench = await bucketBench(t);
  const { request, hooks, bucket } = bench;
  await stageTables(request, hooks);
  const digest = '0123456789abcdef'.repeat(2);
  const own = `${FOLDER}/${tablePrefix(request)}s_${digest}.parquet`;
  const others = [
    `${FOLDER}/${tablePrefix({ ...request, pair: 'GBPUSD' })}s_${digest}.parquet`,
    `${FOLDER}/${tablePrefix(request)}notes.txt`,
    `elsewhere/${tablePrefix(request)}s_${digest}.parquet`,
  ];
  for (const name of [own, ...others]) await bucket.file(name).save('x', { validation: false, resumable: false });
  assert.deepEqual(await tidyTables(request, hooks), { removed: TABLES });
  assert.deepEqual((await bench.names()).toSorted(), others.toSorted());
});

test('an abort while objects are sent leaves no session of use, and what is there is not sent again', async (t) => {
  const bench = await bucketBench(t);
  const { request, hooks, proxy } = bench;
  const controller = new AbortController();
  const onProgress = (): void => controller.abort(new Error('paused'));
  await assert.rejects(stageTables(request, { ...hooks, signal: controller.signal, onProgress }), /paused/);
  await stageTables(request, hooks);
  assert.equal(proxy.receivedObjects().objects, TABLES);
  assert.deepEqual(await bench.names(), []);
});

test('where a bucket is: with its scheme or without, in a folder or not', () => {
  assert.deepEqual(bucketPlace('gs://my-bucket/some/prefix/'), { bucket: 'my-bucket', folder: 'some/prefix/' });
  assert.deepEqual(bucketPlace('my-bucket'), { bucket: 'my-bucket', folder: '' });
});
