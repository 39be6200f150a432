import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { readStatus } from '../../src/client/read-status.ts';
import { startRun } from '../../src/client/start-run.ts';
import { checkHealth } from '../../src/guard/health.ts';
import { FakeMachine } from './support/fake-machine.ts';
import { TestTemporal, until } from './support/temporal.ts';

let temporal: TestTemporal;

/** The real gate over merges that are made up. */
suite('the health gate of a run', { timeout: 60_000 }, () => {
  before(async () => {
    temporal = await TestTemporal.start();
  });
  after(() => temporal.stop());

  test('while the own check fails it waits, says why, and goes on by itself when it passes', async () => {
    const machine = new FakeMachine();
    const short = join(machine.root, 'short');
    await writeFile(short, '');
    const dependencies = (ready: boolean) => ({ ...machine.dependencies(ready), checkHealth });
    const workers = temporal.workers({ suffix: '-gate', dependencies });
    await workers.started;
    try {
      const health = {
        ...{ minFreeMemoryBytes: 0, maxSwapUsedPercent: 100, minFreeDiskBytes: 0 },
        ...{ command: ['/bin/sh', '-c', 'test ! -e "$0" || { echo the array rebuilds; exit 1; }', short] },
      };
      const config = machine.config('gate', ['EURUSD'], { health });
      const { handle } = await startRun(temporal.client, config, {
        ...{ taskQueueSuffix: '-gate', tuning: { waitFirstMs: 50, waitMaxMs: 100 } },
      });
      const waiting = await until(async () => {
        const [pair] = (await readStatus(temporal.client, 'gate')).progress.pairs;
        return pair?.state === 'gated' && pair.reason !== null && pair;
      });
      assert.match(waiting.reason!, /^waits: HostUnhealthy: health\.command: the array rebuilds/);
      assert.ok(!machine.calls.includes('merge EURUSD local'));
      await rm(short);
      assert.deepEqual((await handle.result()).merged, ['EURUSD']);
    } finally {
      await workers.stop();
      await machine.remove();
    }
  });
});
