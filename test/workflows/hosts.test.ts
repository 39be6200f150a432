import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { startRun } from '../../src/client/start-run.ts';
import { defaultBigquery } from '../../src/config/load.ts';
import { FakeMachine, fails } from './support/fake-machine.ts';
import type { TestWorkers } from './support/temporal.ts';
import { TestTemporal } from './support/temporal.ts';

const suffix = '-hosts';

suite('runs that are bound to hosts', { timeout: 120_000 }, () => {
  let temporal: TestTemporal;
  const machines = { left: new FakeMachine(), right: new FakeMachine() };
  const workers: TestWorkers[] = [];

  before(async () => {
    temporal = await TestTemporal.start();
    for (const [host, machine] of Object.entries(machines))
      workers.push(
        temporal.workers({ suffix, host, connection: await temporal.connect(), dependencies: machine.dependencies }),
      );
    await Promise.all(workers.map(({ started }) => started));
  });
  after(async () => {
    await Promise.all(workers.map((own) => own.stop()));
    for (const machine of Object.values(machines)) await machine.remove();
    await temporal.stop();
  });

  test('each run is worked on by its host alone, whichever worker runs its workflows; BigQuery comes from there, too', async () => {
    machines.right.script('merge USDJPY', fails('MemoryExhausted'));
    const bigquery = { ...defaultBigquery(), project: 'demo' };
    const runs = await Promise.all(
      Object.entries(machines).map(([host, machine]) => {
        const pairs = host === 'left' ? ['EURUSD', 'GBPUSD'] : ['USDJPY'];
        const config = machine.config(host, pairs, { host, backends: ['local', 'bigquery'], bigquery });
        return startRun(temporal.client, config, { taskQueueSuffix: suffix, tuning: { waitFirstMs: 50 } });
      }),
    );
    const [left, right] = await Promise.all(runs.map(({ handle }) => handle.result()));
    assert.deepEqual(left?.merged, ['EURUSD', 'GBPUSD']);
    assert.deepEqual(right?.merged, ['USDJPY']);
    const pairsOf = (machine: FakeMachine) => [...new Set(machine.calls.map((call) => call.split(' ')[1]))];
    assert.deepEqual(pairsOf(machines.left), ['EURUSD', 'GBPUSD']);
    assert.deepEqual(pairsOf(machines.right), ['USDJPY']);
    assert.ok(machines.right.calls.includes('query USDJPY'));
  });
});
