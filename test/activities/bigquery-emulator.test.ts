/** The activities of a pair on BigQuery, in order, with all that is below them: real merge processes, the emulator behind its proxies. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { DuckDBConnection } from '@duckdb/node-api';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { createActivities } from '../../src/activities/index.ts';
import { openClient } from '../../src/bigquery/client.ts';
import { Ledger } from '../../src/budget/ledger.ts';
import { writeSamples } from '../../src/cli/samples/write.ts';
import { defaultBigquery } from '../../src/config/load.ts';
import { ledgerBooks } from '../support/ledger-books.ts';
import type { RunConfig } from '../../src/payloads.ts';
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

test('tables stay instead of the file, and beside it; each has every value of the checkpoints', async () => {
  const ledger = new Ledger(PROJECT);
  const activities = createActivities({
    ...machineDependencies(true, ledgerBooks(ledger)),
    machineLock: join(folder, 'machine.lock'),
  });
  const environment = new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') });
  const run = <T, R>(activity: (task: T) => Promise<R>, argument: T): Promise<R> => environment.run(activity, argument);
  for (const output of ['tables', 'both'] as const) {
    const merged = join(folder, `merged-${output}`);
    await mkdir(merged);
    const config: RunConfig = {
      ...{ name: output, root: join(folder, 'checkpoints'), output: merged, pairs: ['EURUSD'] },
      ...{
        key: 'interval_time',
        checkpoints: { pattern: '*.parquet', expected: FILES },
        rows: 'union',
        reference: null,
      },
      backends: ['bigquery'],
      limits: { memoryBytes: GIB, killAboveBytes: 2 * GIB, timeoutMs: 120_000, stallMs: 60_000 },
      health: { minFreeMemoryBytes: 0, maxSwapUsedPercent: 100, minFreeDiskBytes: 0 },
      ...{ verify: 'bytes', clean: 'keep', replace: false },
      bigquery: {
        ...defaultBigquery(),
        ...{ project: PROJECT, partitionColumns: 13, output, outputDataset: `kept_${output}` },
      },
    };
    const task = { config, pair: 'EURUSD', run: `${output}@2026-11-24T00:00:00.000Z`, round: 0, journalRound: 0 };
    const outputTask = { config, pair: 'EURUSD', backend: 'bigquery' as const };
    const { rows } = await run(activities.prepareStaging, task);
    assert.equal(await run(activities.findTables, task), null);
    await run(activities.stageCheckpoints, task);
    await run(activities.queryParts, task);
    if (output === 'both') {
      await run(activities.fetchParts, task);
      await run(activities.verifyOutput, outputTask);
    }
    const left = await run(activities.leaveTables, { ...task, verified: output === 'both' ? 'full' : 'none' });
    assert.deepEqual(
      [left.rows, left.columns, left.verified],
      [rows, FILES * COLUMNS + 1, output === 'both' ? 'full' : 'none'],
    );
    if (output === 'both') {
      await run(activities.publishOutput, outputTask);
      await assertMerged(join(config.root, 'EURUSD'), join(merged, 'EURUSD.parquet'));
    }
    await run(activities.tidyStaging, task);
    // Beside a file the workspace has gone with its publication.
    if (output === 'tables')
      assert.equal((await run(activities.findTables, task))?.tables, left.tables, 'tidied, and still there');
    await assertViews(config, left.parts, rows);
  }
});

/** Sums and counts of every column by the views, beside those of the checkpoints by DuckDB. */
async function assertViews({ bigquery, root }: RunConfig, parts: number, rows: number): Promise<void> {
  const client = openClient({ project: PROJECT, location: 'US' });
  const seen = new Map<string, { count: number; sum: number }>();
  for (let part = 1; part <= parts; part++) {
    const view = `\`${bigquery!.outputDataset}.EURUSD_${part}\``;
    const [got] = (await client.query(`SELECT * FROM ${view}`)) as [Record<string, unknown>[]];
    assert.equal(got.length, rows);
    const keys = got.map(
      (row) => (row.interval_time as { value?: string }).value ?? String(row.interval_time as number),
    );
    assert.equal(new Set(keys).size, rows, 'each key once');
    for (const name of Object.keys(got[0]!).filter((column) => column !== 'interval_time')) {
      const values = got.map((row) => row[name] as number | null).filter((value) => value !== null);
      seen.set(name, { count: values.length, sum: values.reduce((total, value) => total + value, 0) });
    }
  }
  assert.equal(seen.size, FILES * COLUMNS);
  const connection = await DuckDBConnection.create();
  try {
    for (const file of await readdir(join(root, 'EURUSD'))) {
      const from = `read_parquet('${join(root, 'EURUSD', file)}')`;
      const columns = (await connection.runAndReadAll(`SELECT * FROM ${from} LIMIT 0`))
        .columnNames()
        .filter((name) => name !== 'interval_time');
      for (const name of columns) {
        const reader = await connection.runAndReadAll(
          `SELECT COUNT("${name}")::INTEGER, COALESCE(SUM(CASE WHEN isnan("${name}"::DOUBLE) THEN 0 ELSE "${name}" END), 0)::DOUBLE FROM ${from}`,
        );
        const [count, sum] = reader.getRows()[0] as [number, number];
        const view = seen.get(name);
        assert.ok(view !== undefined, name);
        assert.equal(view.count, count, name);
        assert.ok(
          Number.isNaN(view.sum) || Math.abs(view.sum - sum) <= Math.abs(sum) * 1e-9 + 1e-9,
          `${name}: ${view.sum}, ${sum}`,
        );
      }
    }
  } finally {
    connection.closeSync();
  }
}
