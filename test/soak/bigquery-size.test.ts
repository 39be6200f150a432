/** The incident's width through BigQuery's emulator, in partitions, within 1 GiB for the worker and for each process of a merge. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { readStatus } from '../../src/client/read-status.ts';
import { startRun } from '../../src/client/start-run.ts';
import { defaultBigquery } from '../../src/config/load.ts';
import { startEmulator } from '../../src/emulator/start.ts';
import { startProxy } from '../../src/emulator/proxy.ts';
import { startReadProxy } from '../../src/emulator/read-proxy.ts';
import { Stage } from '../pipeline/stage.ts';

const GIB = 2 ** 30;
const FILES = 668;
const COLUMNS = 26;
const ROWS = 2_000;

test('668 files, 17,369 columns x 2,000 rows by BigQuery, within 1 GiB', { timeout: 1_800_000 }, async (t) => {
  await using emulator = await startEmulator({ project: 'widemerge-size' });
  await using proxy = await startProxy({ restUrl: emulator.restUrl });
  await using reads = await startReadProxy({ grpcPort: emulator.grpcPort });
  await using stage = await Stage.open({
    BIGQUERY_EMULATOR_HOST: proxy.url,
    BIGQUERY_STORAGE_EMULATOR_HOST: `127.0.0.1:${reads.grpcPort}`,
  });
  const shape = ['--files', `${FILES}`, '--columns', `${COLUMNS}`, '--rows', `${ROWS}`, '--misaligned', '5'];
  const made = await stage.widemerge(
    'sample',
    '--out',
    join(stage.folder, 'checkpoints'),
    '--pairs',
    'GBPUSD',
    ...shape,
  );
  assert.equal(made.code, 0, made.stderr);
  await stage.worker.start();
  const started = performance.now();
  const config = stage.config({
    name: 'size',
    backends: ['bigquery'],
    limits: { memoryBytes: GIB, killAboveBytes: GIB, timeoutMs: 900_000, stallMs: 300_000 },
    // The service takes 10,000; the emulator joins quickly up to a thousand.
    bigquery: { ...defaultBigquery(), project: 'widemerge-size', workerLocation: 'US', partitionColumns: 800 },
  });
  const { handle } = await startRun(stage.client, config);
  const result = handle.result();
  let state = '';
  for (let done = false; !done;) {
    done = await Promise.race([result.then(() => true), delay(500, false)]);
    const pair = (await readStatus(stage.client, 'size')).progress.pairs[0];
    if (pair !== undefined && pair.state !== state) {
      state = pair.state;
      t.diagnostic(`${((performance.now() - started) / 1000).toFixed(0)} s: ${state}`);
    }
  }
  assert.deepEqual((await result).merged, ['GBPUSD']);
  const figures = (await readStatus(stage.client, 'size')).progress.pairs[0]!.figures!;
  const worker =
    Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${stage.worker.pid ?? 0}/status`, 'utf8'))![1]) * 1024;
  t.diagnostic(JSON.stringify({ ...figures, workerPeakBytes: worker }));
  assert.equal(figures.columns, FILES * COLUMNS + 1);
  assert.equal(figures.verified, 'full');
  assert.ok(figures.bill!.queries > 20);
  assert.ok(figures.peakBytes < GIB, `${figures.peakBytes}`);
  assert.ok(worker < GIB, `${worker}`);
});
