/**
 * What this project relies on of BigQuery: run against the emulator and its strict proxy always, and unchanged against
 * the service where WIDEMERGE_TEST_BIGQUERY_PROJECT names a project (`make test-bigquery`; it costs pennies).
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Job } from '@google-cloud/bigquery';
import { runMergeProcess } from '../../src/backends/merge-process.ts';
import { reasonOf } from '../../src/bigquery/error-reasons.ts';
import { queryParts } from '../../src/bigquery/query-parts.ts';
import { stageTables } from '../../src/bigquery/stage-tables.ts';
import { tidyTables } from '../../src/bigquery/tidy-tables.ts';
import { defaultBigquery } from '../../src/config/load.ts';
import { workspacePath } from '../../src/merge/workspace.ts';
import { openTestService } from '../support/bigquery-service.ts';
import type { TestService } from '../support/bigquery-service.ts';
import { assertMerged } from '../support/compare-merged.ts';
import { mergeJob, temporaryFolder, writeParquet } from '../support/parquet-by-sql.ts';
import { ledger } from './staged-pair.ts';

const ROWS = 1_000;
const GIB = 2 ** 30;
let service: TestService;

before(async () => {
  service = await openTestService();
  await run(
    `CREATE TABLE ${service.dataset}.source AS SELECT n AS position, n / 2 AS x FROM UNNEST(GENERATE_ARRAY(1, ${ROWS})) AS n`,
  );
});
after(() => service[Symbol.asyncDispose]());

interface Metadata {
  status: { state: string; errorResult?: { reason: string } };
  statistics: { totalBytesProcessed?: string; query?: { totalBytesBilled?: string; totalBytesProcessed?: string } };
  configuration: { labels?: Record<string, string> };
}

function submit(query: string, options: object = {}): Promise<Job> {
  const { client, location } = service;
  return client.createQueryJob({ query, location, jobId: randomUUID(), ...options }).then(([job]) => job);
}

async function ended(job: Job): Promise<Metadata> {
  for (;;) {
    const [metadata] = (await job.getMetadata()) as unknown as [Metadata];
    if (metadata.status.state === 'DONE') return metadata;
  }
}

async function run(query: string, options: object = {}): Promise<Metadata> {
  const metadata = await ended(await submit(query, options));
  assert.equal(metadata.status.errorResult, undefined, JSON.stringify(metadata.status));
  return metadata;
}

/** The reason that a request, or its job, ends with. */
async function reasonFor(query: string, options: object = {}): Promise<string | null> {
  try {
    const { status } = await ended(await submit(query, options));
    return status.errorResult?.reason ?? null;
  } catch (error) {
    return reasonOf(error);
  }
}

const source = (): string => `SELECT position, x FROM ${service.dataset}.source`;

test('a job has its id once: the second insert is a duplicate, and the first one is found', async () => {
  const jobId = randomUUID();
  await run(source(), { jobId });
  await assert.rejects(submit(source(), { jobId }), (error) => reasonOf(error) === 'duplicate');
  const [metadata] = (await service.client.job(jobId, { location: service.location }).getMetadata()) as unknown as [
    Metadata,
  ];
  assert.equal(metadata.status.state, 'DONE');
});

test('a dry run says how much would be scanned, and runs nothing', async () => {
  const { client, location } = service;
  const [job] = await client.createQueryJob({ query: source(), location, dryRun: true });
  const { statistics } = job.metadata as Metadata;
  assert.equal(Number(statistics.totalBytesProcessed ?? statistics.query?.totalBytesProcessed), ROWS * 16);
});

test('a query is billed for 10 MiB of a small table, and refused above maximumBytesBilled', async () => {
  const { statistics } = await run(source(), { useQueryCache: false, maximumBytesBilled: String(10 * 2 ** 20) });
  assert.equal(Number(statistics.query?.totalBytesBilled), 10 * 2 ** 20);
  assert.equal(
    await reasonFor(source(), { useQueryCache: false, maximumBytesBilled: '1000' }),
    'bytesBilledLimitExceeded',
  );
});

test('a result goes to the destination table, with the labels of its job, and is read back in full', async () => {
  const table = service.client.dataset(service.dataset, { location: service.location }).table('merged');
  const { configuration } = await run(source(), { destination: table, labels: { widemerge_pair: 'gbpusd' } });
  assert.equal(configuration.labels?.widemerge_pair, 'gbpusd');
  const [metadata] = (await table.getMetadata()) as unknown as [{ numRows: string }];
  assert.equal(Number(metadata.numRows), ROWS);
});

test('a dataset is not found from another location', async () => {
  const { client, dataset, location } = service;
  const elsewhere = location === 'EU' ? 'US' : 'EU';
  const query = `SELECT x FROM ${dataset}.source`;
  const asked = client.createQueryJob({ query, location: elsewhere, jobId: randomUUID() }).then(async ([job]) => {
    const { status } = await ended(job);
    return status.errorResult?.reason ?? null;
  });
  assert.equal(await asked.catch((error: unknown) => reasonOf(error)), 'notFound');
});

test('a table has 10,000 columns at most', async () => {
  const columns = Array.from({ length: 10_001 }, (_, i) => `x AS c${i}`).join(', ');
  const table = service.client.dataset(service.dataset, { location: service.location }).table('too_wide');
  const reason = await reasonFor(`SELECT ${columns} FROM ${service.dataset}.source`, { destination: table });
  assert.ok(reason !== null && reason.startsWith('invalid'), `${reason}`);
});

test('a small pair is staged, queried, read back in a guarded process, and tidied, as it is merged here', async (t) => {
  const dir = await temporaryFolder(t);
  const merged = join(dir, 'merged');
  await mkdir(merged);
  await writeParquet({
    [join(dir, 'a.parquet')]: `SELECT range AS k, range / 7.0::DOUBLE AS x, 'é' || range AS s FROM range(${ROWS})`,
    [join(dir, 'b.parquet')]:
      `SELECT range AS k, range::INTEGER AS n, range % 2 = 0 AS f FROM range(${ROWS}) WHERE range % 5 > 0 ORDER BY hash(range)`,
  });
  const limits = { memoryBytes: GIB, killAboveBytes: GIB, timeoutMs: 120_000, stallMs: 60_000, graceMs: 1_000 };
  const context = { limits, machineLock: join(dir, 'machine.lock') };
  const local = join(merged, 'local.parquet');
  await runMergeProcess(mergeJob(dir, local), context);

  const job = mergeJob(dir, join(merged, 'cloud.parquet'), { engine: 'bigquery' });
  await runMergeProcess({ ...job, steps: ['discover', 'prepare'] }, context);
  const { project, location, dataset } = service;
  const config = { ...defaultBigquery(), project, location, dataset, partitionColumns: 2 };
  const request = { workspace: workspacePath(job.output.path), run: 'contract@1', pair: 'P', round: 0, config };
  const hooks = { purse: ledger() };
  assert.equal((await stageTables(request, hooks)).sent, 3);
  const { parts } = await queryParts(request, hooks);
  assert.ok(parts > 1, 'it is cut');
  const entry = fileURLToPath(new URL('../../src/bigquery/process.ts', import.meta.url));
  await runMergeProcess({ ...job, steps: ['discover', 'merge'] }, context, entry);
  await runMergeProcess({ ...job, steps: ['verify', 'publish'] }, context);
  assert.equal((await tidyTables(request, hooks)).removed, 3 + parts);
  for (const output of [local, job.output.path]) await assertMerged(dir, output, { key: 'k' });
});
