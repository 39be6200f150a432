/** The activities of a pair on BigQuery, in order, with all that is below them: real merge processes, the emulator behind its proxies. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { createActivities } from '../../src/activities/index.ts';
import { Ledger } from '../../src/budget/ledger.ts';
import { writeSamples } from '../../src/cli/samples/write.ts';
import { defaultBigquery } from '../../src/config/load.ts';
import { ledgerBooks } from '../support/ledger-books.ts';
import type { RunConfig } from '../../src/contract.ts';
import { startProxy, type RunningProxy } from '../../src/emulator/proxy.ts';
import { startReadProxy, type RunningReadProxy } from '../../src/emulator/read-proxy.ts';
import { startEmulator, type RunningEmulator } from '../../src/emulator/start.ts';
import { machineDependencies } from '../../src/workers/dependencies.ts';
import { assertMerged } from '../support/compare-merged.ts';

const PROJECT = 'widemerge-test';
const [FILES, COLUMNS, ROWS] = [6, 5, 3_000];
const TIB = 2 ** 40;
const GIB = 2 ** 30;

let folder: string;
let emulator: RunningEmulator;
let proxy: RunningProxy;
let reads: RunningReadProxy;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'widemerge-test-'));
  await mkdir(join(folder, 'merged'));
  const misaligned = { share: 0.5, pairs: null };
  const request = { out: join(folder, 'checkpoints'), pairs: ['EURUSD'], files: FILES, columns: COLUMNS, rows: ROWS };
  [emulator] = await Promise.all([
    startEmulator({ project: PROJECT }),
    writeSamples({ ...request, seed: 3, misaligned, broken: [] }, () => undefined),
  ]);
  proxy = await startProxy({ restUrl: emulator.restUrl });
  reads = await startReadProxy({ grpcPort: emulator.grpcPort });
  process.env.BIGQUERY_EMULATOR_HOST = proxy.url;
  process.env.BIGQUERY_STORAGE_EMULATOR_HOST = `127.0.0.1:${reads.grpcPort}`;
});
after(async () => {
  await reads.stop();
  await proxy.stop();
  await emulator.stop();
  await rm(folder, { recursive: true, force: true });
});

test('a pair goes through BigQuery, and the books have what the service billed', async () => {
  const ledger = new Ledger(PROJECT);
  const activities = createActivities({
    ...machineDependencies(true, ledgerBooks(ledger)),
    machineLock: join(folder, 'machine.lock'),
  });
  const config: RunConfig = {
    ...{ name: 'cloud', root: join(folder, 'checkpoints'), output: join(folder, 'merged'), pairs: ['EURUSD'] },
    ...{ key: 'interval_time', checkpoints: { pattern: '*.parquet', expected: FILES }, rows: 'union', reference: null },
    backends: ['bigquery'],
    limits: { memoryBytes: GIB, killAboveBytes: 2 * GIB, timeoutMs: 120_000, stallMs: 60_000 },
    health: { minFreeMemoryBytes: 0, maxSwapUsedPercent: 100, minFreeDiskBytes: 0 },
    ...{ verify: 'bytes', clean: 'keep', replace: false },
    bigquery: { ...defaultBigquery(), project: PROJECT, partitionColumns: 13 },
  };
  const task = { config, pair: 'EURUSD', run: 'cloud@2026-11-24T00:00:00.000Z', round: 0, journalRound: 0 };
  const outputTask = { config, pair: 'EURUSD', backend: 'bigquery' as const };
  const environment = new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') });
  const run = <T, R>(activity: (task: T) => Promise<R>, argument: T): Promise<R> => environment.run(activity, argument);

  await run(activities.discoverPair, task);
  const prepared = await run(activities.prepareStaging, task);
  assert.deepEqual([prepared.checkpoints, prepared.columns], [FILES, FILES * COLUMNS + 1]);
  const staged = await run(activities.stageCheckpoints, task);
  assert.deepEqual([staged.tables, staged.sent], [FILES + 1, FILES + 1]);
  const queried = await run(activities.queryParts, task);
  assert.ok(queried.parts > 1, 'it is cut');
  const queries = proxy.books().filter(({ kind }) => kind === 'query');
  assert.equal(queries.length, queried.parts);
  assert.equal(
    queried.bytesBilled,
    queries.reduce((sum, { bytesBilled }) => sum + bytesBilled, 0),
  );
  const fetched = await run(activities.fetchParts, task);
  assert.equal(fetched.figures.columns, FILES * COLUMNS + 1);
  await run(activities.verifyOutput, outputTask);
  await run(activities.publishOutput, outputTask);
  const tidied = await run(activities.tidyStaging, task);
  assert.equal(tidied.removed, FILES + 1 + queried.parts);

  const { columns, rows } = await assertMerged(join(config.root, 'EURUSD'), join(config.output, 'EURUSD.parquet'));
  assert.deepEqual([columns, rows], [FILES * COLUMNS + 1, prepared.rows]);

  const view = ledger.view();
  assert.deepEqual([view.open, view.unknownJobs], [[], 0], 'nothing is left reserved');
  const { kinds } = view.runs[0]!;
  assert.equal(
    kinds.scan,
    queries.reduce((sum, { bytesBilled }) => sum + Math.ceil((bytesBilled / TIB) * 6.25e9), 0),
  );
  assert.equal(kinds['storage-read'] + kinds.egress, fetched.nanos);
  assert.ok(fetched.bytesRead > 0 && fetched.nanos > 0);
  // Values and positions, in the encoding of a message and a null map more or less.
  const sent = reads.books().reduce((sum, { bytes }) => sum + bytes, 0);
  assert.ok(fetched.bytesRead > sent / 2 && fetched.bytesRead < sent * 2, `${fetched.bytesRead} of ${sent}`);
});
