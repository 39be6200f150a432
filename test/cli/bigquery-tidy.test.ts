import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import type { BigQuery } from '@google-cloud/bigquery';
import { Client, Connection } from '@temporalio/client';
import {
  checkpointTable,
  mergedTable,
  spineTable,
  tablePrefix,
  type CloudRequest,
  type TableShape,
} from '../../src/bigquery/staging-tables.ts';
import { pairWorkflowId, runWorkflowId } from '../../src/contract.ts';
import { startProxy, type RunningProxy } from '../../src/emulator/proxy.ts';
import { startEmulator, type RunningEmulator } from '../../src/emulator/start.ts';
import type { StagedCheckpoint, Staging } from '../../src/merge/staging.ts';
import { ensureTemporalBinary } from '../../src/server/ensure.ts';
import { startServer, type RunningServer } from '../../src/server/start.ts';
import { PROJECT, restClient } from '../emulator/clients.ts';
import { storageClient } from '../emulator/storage-client.ts';
import { until } from '../workflows/support/temporal.ts';
import { openCli, type Cli, type CliRun } from './support.ts';

const DATASET = 'staging';
const DIGEST = '0123456789abcdef0123456789abcdef';
const CHECKPOINT = {
  content: DIGEST,
  key: { type: 'int64', unsigned32: false, factor: '1' },
  columns: [{ type: 'double' }, { type: 'int64' }],
} as StagedCheckpoint;
const STAGING = { spine: { content: DIGEST, keyType: 'int64' }, checkpoints: [CHECKPOINT] } as Staging;
const LOST_PAIR = { run: 'lost@2026-11-23T00:00:00Z', pair: 'A', config: { output: 'both' } } as CloudRequest;
const OPEN_PAIR = { run: 'open@2026-11-24T00:00:00Z', pair: 'A' } as CloudRequest;
const [LOST, OPEN] = [tablePrefix(LOST_PAIR), tablePrefix(OPEN_PAIR)];
const namesOf = ({ fields }: TableShape): string[] => fields.map(({ name }) => name);
/** Named and shaped by what makes them. */
const TABLES: [name: string, columns: string[]][] = [
  [spineTable(LOST_PAIR, STAGING).name, namesOf(spineTable(LOST_PAIR, STAGING))],
  [checkpointTable(LOST_PAIR, CHECKPOINT).name, namesOf(checkpointTable(LOST_PAIR, CHECKPOINT))],
  [mergedTable(LOST_PAIR, STAGING, [{ file: 0, first: 0, count: 2 }]).name, ['position', 'key', 'c0', 'c1']],
  [checkpointTable(OPEN_PAIR, CHECKPOINT).name, namesOf(checkpointTable(OPEN_PAIR, CHECKPOINT))],
];
const OURS = TABLES.map(([name]) => name);
const OTHERS: [name: string, columns: string[]][] = [
  ['prices', ['position', 'key']],
  [`${LOST}s_${DIGEST}_copy`, ['key', 'c0']],
  // The name is ours, and what is in it is not.
  [`${LOST}s_${DIGEST.replace('0', 'f')}`, ['key', 'price']],
  [`${LOST}m_${DIGEST.replace('0', 'f')}`, ['position', 'c1', 'c0']],
  [`${LOST}x_${DIGEST}`, ['key', 'c0']],
];

let emulator: RunningEmulator;
let proxy: RunningProxy;
let server: RunningServer;
let connection: Connection;
let client: BigQuery;
let cli: Cli;
let alone: Cli;

const place = ['--project', PROJECT, '--dataset', DATASET, '--location', 'US'];
const tidy = (own: Cli, ...args: string[]): Promise<CliRun> => own.run('bigquery', 'tidy', ...args, '--json');
const left = async (): Promise<string[]> =>
  (await client.dataset(DATASET).getTables())[0].map(({ id }) => id ?? '').toSorted();

suite('widemerge bigquery tidy', { timeout: 180_000 }, () => {
  before(async () => {
    emulator = await startEmulator({ project: PROJECT });
    proxy = await startProxy({ restUrl: emulator.restUrl });
    server = await startServer({ binary: await ensureTemporalBinary(console.error), dbFilename: null, uiPort: 0 });
    const variables = { BIGQUERY_EMULATOR_HOST: proxy.url, STORAGE_EMULATOR_HOST: proxy.url };
    cli = await openCli({ ...variables, TEMPORAL_ADDRESS: server.address });
    alone = await openCli({ ...variables, TEMPORAL_ADDRESS: '127.0.0.1:1' });
    client = restClient(proxy.url);
    await client.createDataset(DATASET, { location: 'US' });
    const make = (name: string, columns: string[]): Promise<unknown> =>
      client.dataset(DATASET).createTable(name, {
        schema: { fields: columns.map((column) => ({ name: column, type: 'INT64' })) },
        expirationTime: `${Date.now() + 3_600_000}`,
      });
    for (const [name, columns] of [...TABLES, ...OTHERS]) await make(name, columns);

    connection = await Connection.connect({ address: server.address });
    const { workflow } = new Client({ connection });
    const taskQueue = 'nobody-serves-it';
    await workflow.start('mergePairs', { workflowId: runWorkflowId('open'), taskQueue });
    await workflow.start('mergePair', { workflowId: pairWorkflowId('open', 'A'), taskQueue });
    await until(async () => (await workflow.count(`ExecutionStatus = 'Running'`)).count === 2);
  });
  after(async () => {
    await cli.close();
    await alone.close();
    await connection.close();
    await server.stop();
    await proxy.stop();
    await emulator.stop();
  });

  test('lists what is its own by name and by columns, and removes nothing', async () => {
    const config = { name: 't', root: 's', output: 'm', pairs: '*', key: 'k' };
    const bigquery = { project: 'demo-project', dataset: DATASET };
    await writeFile(join(cli.folder, 't.yaml'), JSON.stringify({ ...config, bigquery }));
    // The emulator lists no tables of a dataset that it has not; the service says that there is none.
    proxy.planFaults({ planned: [{ on: 'metadata', fault: { fault: 'error', when: 'before', reason: 'notFound' } }] });
    const elsewhere = await tidy(cli, 't.yaml');
    assert.equal(elsewhere.exitCode, 0, elsewhere.stderr);
    assert.match(elsewhere.stdout, /^there is no dataset demo-project\.staging/);

    const run = await tidy(cli, ...place);
    assert.equal(run.exitCode, 0, run.stderr);
    const { tables } = run.json as { tables: { table: string; expiresMs: number }[] };
    assert.deepEqual(tables.map(({ table }) => table).toSorted(), OURS.toSorted());
    assert.match(run.stdout, /^4 tables in demo\.staging, .*; 5 tables of others are left alone$/m);
    assert.match(run.stdout, new RegExp(`^${OPEN}s_.* run open, pair A: stays$`, 'm'));
    assert.match(run.stdout, /^3 tables, .* would be removed with --yes$/m);
    assert.equal((await left()).length, OURS.length + OTHERS.length);
  });

  test('where no server says which runs are open, nothing is removed', async () => {
    const [listed, refused] = await Promise.all([tidy(alone, ...place), tidy(alone, ...place, '--yes')]);
    assert.equal(listed.exitCode, 0, listed.stderr);
    assert.match(listed.stdout, /^no Temporal server says which runs are open/m);
    assert.equal(refused.exitCode, 3);
    assert.match(refused.stderr, /--all removes those of open runs, too/);
    assert.equal((await left()).length, OURS.length + OTHERS.length);
  });

  test('--yes removes those of lost runs, --all those of open ones, and neither what is of others', async () => {
    const others = OTHERS.map(([name]) => name);
    const run = await tidy(cli, ...place, '--yes');
    assert.equal(run.exitCode, 0, run.stderr);
    assert.match(run.stdout, /^removed 3 tables$/m);
    assert.deepEqual(await left(), [...others, `${OPEN}s_${DIGEST}`].toSorted());
    const all = await tidy(alone, ...place, '--yes', '--all');
    assert.match(all.stdout, /^removed 1 table$/m);
    assert.deepEqual(await left(), others.toSorted());
    assert.match((await tidy(cli, ...place, '--yes')).stdout, /^nothing of widemerge's is left in demo\.staging/);
  });

  test('objects that are left in the bucket go like tables; those of open runs and of others stay', async () => {
    const [bucket] = await storageClient(proxy.url).createBucket('b-1');
    const names = [LOST, OPEN].map((prefix) => `staging/${prefix}s_${DIGEST}.parquet`);
    const others = [`staging/${LOST}s_${DIGEST}.csv`, `${LOST}s_${DIGEST}.parquet`];
    for (const name of [...names, ...others])
      await bucket.file(name).save('1234', { resumable: false, validation: false });
    const where = [...place, '--bucket', 'gs://b-1/staging'];
    const listed = await tidy(cli, ...where);
    assert.equal(listed.exitCode, 0, listed.stderr);
    assert.match(listed.stdout, /^1 object, 4 B, would be removed with --yes$/m);
    assert.match(listed.stdout, new RegExp(`^gs://b-1/${names[1]} .* run open, pair A: stays$`, 'm'));
    const run = await tidy(cli, ...where, '--yes');
    assert.match(run.stdout, /^removed 1 object$/m);
    const kept = (await bucket.getFiles())[0].map(({ name }) => name);
    assert.deepEqual(kept.toSorted(), [names[1]!, ...others].toSorted());
    assert.equal((await tidy(cli, ...place, '--bucket', 's3://x')).exitCode, 2);
  });

  test('whose tables must be said once; a refusal of the service is one line', async () => {
    const none = await tidy(cli);
    assert.equal(none.exitCode, 2);
    assert.match(none.stderr, /give a configuration, or --project/);
    assert.equal((await tidy(cli, 't.yaml', '--project', PROJECT)).exitCode, 2);
    proxy.planFaults({
      planned: [{ on: 'metadata', fault: { fault: 'error', when: 'before', reason: 'accessDenied' } }],
    });
    const refused = await tidy(cli, ...place);
    assert.equal(refused.exitCode, 3);
    assert.match(refused.stderr, /^widemerge: ConfigInvalid: BigQuery: .*accessDenied.*doctor --bigquery/);
  });
});
