import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, beforeEach, suite, test } from 'node:test';
import type { BigQuery } from '@google-cloud/bigquery';
import type { Check } from '../../src/bigquery/check.ts';
import type { PlannedFault } from '../../src/emulator/faults.ts';
import { startProxy, type RunningProxy } from '../../src/emulator/proxy.ts';
import { readBody } from '../../src/emulator/http.ts';
import { startReadProxy, type RunningReadProxy } from '../../src/emulator/read-proxy.ts';
import { startEmulator, type RunningEmulator } from '../../src/emulator/start.ts';
import { ensureTemporalBinary } from '../../src/server/ensure.ts';
import { startServer, type RunningServer } from '../../src/server/start.ts';
import { PROJECT, restClient } from '../emulator/clients.ts';
import { storageClient } from '../emulator/storage-client.ts';
import { openCli, type Cli, type CliRun } from './support.ts';

const PROJECT_ID = 'demo-project';
const NO_SERVER = { TEMPORAL_ADDRESS: '127.0.0.1:1' };
const PERMISSION_DENIED = 7;

let server: RunningServer;
let emulator: RunningEmulator;
let proxy: RunningProxy;
let reads: RunningReadProxy;
let client: BigQuery;
let cli: Cli;

const denied = (on: PlannedFault['on'], passing = 0): PlannedFault => ({
  ...{ on, after: passing },
  fault: { fault: 'error', when: 'before', reason: 'accessDenied' },
});

async function configure(folder: string, bigquery: object): Promise<void> {
  const config = { name: 't', root: 's', output: 'm', pairs: '*', key: 'k', bigquery };
  await writeFile(join(folder, 'widemerge.yaml'), JSON.stringify(config));
}

const checksOf = ({ json }: CliRun): Check[] => (json as { checks: Check[] }).checks;
const find = (run: CliRun, what: string): Check => {
  const check = checksOf(run).find((own) => own.what === what);
  assert.ok(check, `${what} in ${run.stdout}`);
  return check;
};
const doctor = (own = cli): Promise<CliRun> => own.run('doctor', '--bigquery', '--json');

suite('widemerge doctor', { timeout: 180_000 }, () => {
  before(async () => {
    emulator = await startEmulator({ project: PROJECT });
    proxy = await startProxy({ restUrl: emulator.restUrl });
    reads = await startReadProxy({ grpcPort: emulator.grpcPort });
    client = restClient(proxy.url, { projectId: PROJECT_ID });
    server = await startServer({ binary: await ensureTemporalBinary(console.error), dbFilename: null, uiPort: 0 });
    cli = await openCli({
      TEMPORAL_ADDRESS: server.address,
      BIGQUERY_EMULATOR_HOST: proxy.url,
      STORAGE_EMULATOR_HOST: proxy.url,
      BIGQUERY_STORAGE_EMULATOR_HOST: `127.0.0.1:${reads.grpcPort}`,
    });
    await client.createDataset('in_us', { location: 'US' });
    await client.createDataset('in_eu', { location: 'EU' });
  });
  after(async () => {
    await cli.close();
    await reads.stop();
    await proxy.stop();
    await emulator.stop();
    await server.stop();
  });
  beforeEach(async () => {
    proxy.planFaults({});
    await configure(cli.folder, { project: PROJECT_ID, dataset: 'in_us' });
  });

  test('all is well: a line a check, exit code 0, nothing paid and nothing left behind', async () => {
    const run = await doctor();
    assert.equal(run.exitCode, 0, run.stdout + run.stderr);
    assert.match(run.stdout, /^note {2}credentials: none are needed/m);
    assert.match(run.stdout, /^ok {4}jobs in demo-project: may be run in US; pricing on demand/m);
    assert.match(run.stdout, /^ok {4}dataset in_us: is in US$/m);
    assert.match(run.stdout, /^ok {4}tables: /m);
    assert.match(run.stdout, /^ok {4}Storage Read: /m);
    assert.match(run.stdout, /^note {2}egress: \$0\.12 per GiB/m);
    assert.match(run.stdout, /^ok {4}budget: \$25\.00 a run; nothing has been spent yet$/m);
    assert.match(run.stdout, /^BigQuery can be used$/m);
    assert.deepEqual((await client.dataset('in_us').getTables())[0], []);
    assert.deepEqual(proxy.books(), []);
  });

  test('a role that is missing: the line that grants it', async () => {
    const cases: [PlannedFault[], string, RegExp][] = [
      [
        [denied('insert')],
        'jobs in demo-project',
        /^gcloud projects add-iam-policy-binding demo-project --member=".*" --role=roles\/bigquery\.jobUser$/,
      ],
      [
        [denied('metadata')],
        'dataset in_us',
        /^bq query .*GRANT .*bigquery\.dataEditor.* ON SCHEMA .*demo-project.*\.in_us TO/,
      ],
      [[denied('metadata', 1)], 'tables', /^bq query .*GRANT .*bigquery\.dataEditor/],
    ];
    for (const [planned, what, mend] of cases) {
      proxy.planFaults({ planned });
      const run = await doctor();
      assert.equal(run.exitCode, 2, what);
      const check = find(run, what);
      assert.equal(check.verdict, 'FAIL');
      assert.match(check.says, /accessDenied/);
      assert.match(check.mend[0]!, mend);
      assert.match(run.stdout, /^1 of \d checks failed/m);
    }
    reads.planFaults([{ fault: 'error', on: 'CreateReadSession', status: PERMISSION_DENIED }]);
    const run = await doctor();
    assert.equal(run.exitCode, 2);
    assert.match(find(run, 'Storage Read').mend[0]!, /--role=roles\/bigquery\.readSessionUser$/);
    assert.deepEqual((await client.dataset('in_us').getTables())[0], []);
  });

  test('a project that is not there ends it, and says how to look', async () => {
    proxy.planFaults({ planned: [{ on: 'insert', fault: { fault: 'error', when: 'before', reason: 'notFound' } }] });
    const run = await doctor();
    assert.equal(run.exitCode, 2);
    assert.match(find(run, 'jobs in demo-project').mend[0]!, /^gcloud projects describe demo-project$/);
    assert.ok(!checksOf(run).some(({ what }) => what === 'tables'));
  });

  test('a dataset in another location: both are named', async () => {
    await configure(cli.folder, { project: PROJECT_ID, dataset: 'in_eu', budget: 0 });
    const run = await doctor();
    assert.equal(run.exitCode, 2);
    const check = find(run, 'dataset in_eu');
    assert.match(check.says, /it is in EU, and bigquery\.location is US/);
    assert.match(check.mend[0]!, /location: EU/);
    assert.match(find(run, 'budget').says, /nothing may be sent/);
  });

  test('a bucket: missing, elsewhere, not to be written, not to be seen, and as it should be', async () => {
    const storage = storageClient(proxy.url);
    const rule = { action: { type: 'Delete' as const }, condition: { age: 2 } };
    await storage.createBucket('b-us', { location: 'US', lifecycle: { rule: [rule] } });
    await storage.createBucket('b-eu', { location: 'EU' });
    const use = (bucket: string): Promise<void> =>
      configure(cli.folder, { project: PROJECT_ID, dataset: 'in_us', bucket: `gs://${bucket}/folder` });
    const forbidden = (passing: number): PlannedFault => ({
      ...{ on: 'object', after: passing, fault: { fault: 'error', when: 'before', reason: 'forbidden' } },
    });
    await use('b-none');
    const missing = find(await doctor(), 'bucket b-none');
    assert.equal(missing.verdict, 'FAIL');
    assert.match(
      missing.mend[0]!,
      /^gcloud storage buckets create gs:\/\/b-none --project=demo-project --location=US /,
    );
    await use('b-eu');
    assert.match(find(await doctor(), 'bucket b-eu').says, /it is in EU, and bigquery\.location is US/);
    await use('b-us');
    proxy.planFaults({ planned: [forbidden(1)] });
    const denied = checksOf(await doctor()).filter(({ what }) => what === 'bucket b-us');
    assert.deepEqual(
      denied.map(({ verdict }) => verdict),
      ['ok', 'FAIL'],
    );
    assert.match(denied[1]!.mend[0]!, /--role=roles\/storage\.objectUser$/);
    proxy.planFaults({ planned: [forbidden(0)] });
    const unseen = await doctor();
    assert.equal(unseen.exitCode, 0, unseen.stdout);
    assert.match(unseen.stdout, /^note {2}bucket b-us: the account may not see where it is/m);
    const run = await doctor();
    assert.match(run.stdout, /^ok {4}bucket b-us: is in US, and its objects expire$/m);
    assert.match(run.stdout, /^ok {4}bucket b-us: objects may be made, listed and removed$/m);
    assert.deepEqual((await storage.bucket('b-us').getFiles())[0], []);
  });

  test('a dataset that is missing is no failure where the account may make it', async () => {
    await configure(cli.folder, {
      project: PROJECT_ID,
      dataset: 'none',
      location: 'EU',
      workerLocation: 'europe-west3',
    });
    const unknown = await doctor();
    assert.equal(unknown.exitCode, 0, unknown.stdout);
    assert.equal(find(unknown, 'dataset none').verdict, 'note');
    assert.match(find(unknown, 'egress').mend[0]!, /workerLocation: EU/);

    let permissions: string[] = [];
    // What tells of permissions is a service of its own, which the emulator lacks.
    const front = createServer((request, response) => {
      void readBody(request).then(async (body) => {
        if (request.url?.endsWith(':testIamPermissions')) {
          response.setHeader('content-type', 'application/json').end(JSON.stringify({ permissions }));
          return;
        }
        const answer = await fetch(`${proxy.url}${request.url}`, {
          method: request.method ?? 'GET',
          headers: { authorization: 'Bearer x', 'content-type': request.headers['content-type'] ?? '' },
          ...(body.length > 0 && { body: new Uint8Array(body) }),
        });
        response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text());
      });
    }).listen(0, '127.0.0.1');
    await once(front, 'listening');
    const url = `http://127.0.0.1:${(front.address() as AddressInfo).port}`;
    const own = await openCli({ TEMPORAL_ADDRESS: server.address, BIGQUERY_EMULATOR_HOST: url });
    try {
      await configure(own.folder, { project: PROJECT_ID, dataset: 'none', stagingExpires: '12h' });
      const refused = find(await doctor(own), 'dataset none');
      assert.equal(refused.verdict, 'FAIL');
      assert.deepEqual(refused.mend, [
        'bq --location=US mk --dataset --default_table_expiration=43200 demo-project:none',
      ]);
      permissions = ['bigquery.datasets.create'];
      assert.equal(find(await doctor(own), 'dataset none').verdict, 'ok');
    } finally {
      await own.close();
      front.closeAllConnections();
      front.close();
    }
  });

  test('nobody answers, no credentials, no project: said at once, exit code 2', async () => {
    const unreachable = await openCli({ ...NO_SERVER, BIGQUERY_EMULATOR_HOST: '127.0.0.1:1' });
    const nobody = await openCli({
      ...NO_SERVER,
      ...{ BIGQUERY_EMULATOR_HOST: '', GOOGLE_APPLICATION_CREDENTIALS: '', METADATA_SERVER_DETECTION: 'none' },
      ...{ HOME: '/nonexistent', CLOUDSDK_CONFIG: '/nonexistent' },
    });
    try {
      await configure(unreachable.folder, { project: PROJECT_ID });
      await configure(nobody.folder, { project: PROJECT_ID, budget: 0 });
      const [silent, anonymous] = await Promise.all([doctor(unreachable), doctor(nobody)]);
      assert.equal(silent.exitCode, 2, silent.stderr);
      assert.match(find(silent, 'jobs in demo-project').says, /backendError/);
      assert.match(find(silent, 'budget').says, /is not known: no Temporal server answers/);
      assert.equal(anonymous.exitCode, 2, anonymous.stderr);
      assert.match(find(anonymous, 'credentials').says, /noCredentials/);
      assert.equal(find(anonymous, 'credentials').mend[0], 'gcloud auth application-default login');
      assert.ok(!checksOf(anonymous).some(({ what }) => what.startsWith('jobs')));
    } finally {
      await unreachable.close();
      await nobody.close();
    }
    await configure(cli.folder, {});
    const local = await doctor();
    assert.equal(local.exitCode, 2);
    assert.match(local.stderr, /names no project/);
  });

  test('without --bigquery: the Temporal server and its search attributes', async () => {
    const found = await cli.run('doctor');
    assert.equal(found.exitCode, 0, found.stderr);
    assert.match(found.stdout, /^ok {4}Temporal server: answers, and has the namespace default$/m);
    assert.match(found.stdout, /search attributes: /);
    const alone = await openCli(NO_SERVER);
    try {
      const missing = await alone.run('doctor');
      assert.equal(missing.exitCode, 2);
      assert.match(missing.stdout, /^FAIL {2}Temporal server: no Temporal server answers on 127\.0\.0\.1:1/m);
    } finally {
      await alone.close();
    }
  });
});
