import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { deliver } from '../../src/client/run-pairs.ts';
import { readStatus } from '../../src/client/read-status.ts';
import * as signals from '../../src/client/signals.ts';
import { startRun } from '../../src/client/start-run.ts';
import type { RunConfig } from '../../src/payloads.ts';
import { FakeMachine, fails, gate } from '../workflows/support/fake-machine.ts';
import type { TestWorkers } from '../workflows/support/temporal.ts';
import { TestTemporal, until } from '../workflows/support/temporal.ts';

let temporal: TestTemporal;
let machine: FakeMachine;
let workers: TestWorkers;
const taskQueueSuffix = '-delivered';

suite('deliver', { timeout: 120_000 }, () => {
  before(async () => {
    temporal = await TestTemporal.start();
    machine = new FakeMachine();
    workers = temporal.workers({ suffix: taskQueueSuffix, dependencies: machine.dependencies });
    await workers.started;
  });
  after(async () => {
    await workers.stop();
    await machine.remove();
    await temporal.stop();
  });

  const start = (name: string, pairs: RunConfig['pairs'], suffix = taskQueueSuffix) =>
    startRun(temporal.client, machine.config(name, pairs), { taskQueueSuffix: suffix });
  const skip = (name: string, pair: string) =>
    deliver(temporal.client, name, 'skipPair', { pair }, () => signals.signalSkip(temporal.client, name, { pair }));
  const retry = (name: string, pair: string) =>
    deliver(temporal.client, name, 'retryPair', { pair }, () =>
      signals.signalRetry(temporal.client, name, { pair }, { taskQueueSuffix }),
    );
  const notes = async (name: string) => (await readStatus(temporal.client, name)).progress.notes;

  test('an unknown pair is not sent; what the run refuses is an error; all else is confirmed', async () => {
    const merge = gate();
    machine.script('merge EURUSD', merge.act);
    const { handle } = await start('open', ['EURUSD', 'USDJPY']);
    await until(() => machine.calls.includes('merge EURUSD local'));

    const unknown = {
      name: 'RunError',
      reason: 'notFound',
      message: 'run open has no pair NOPE: it has EURUSD, USDJPY',
    };
    await assert.rejects(skip('open', 'NOPE'), unknown);
    assert.deepEqual(await notes('open'), []);
    assert.deepEqual(await skip('open', 'USDJPY'), { sent: undefined, confirmed: true });
    const refused = { name: 'RunError', reason: 'refused', message: 'run open refuses this: USDJPY is skipped' };
    for (let i = 0; i < 2; i += 1) await assert.rejects(skip('open', 'USDJPY'), refused);
    await assert.rejects(retry('open', 'EURUSD'), { reason: 'refused' });
    const pivot = () => signals.signalPivot(temporal.client, 'open', { backend: 'duckdb' });
    assert.equal(
      (await deliver(temporal.client, 'open', 'pivotBackend', { backend: 'duckdb' }, pivot)).confirmed,
      true,
    );
    for (let i = 0; i < 25; i += 1) await signals.signalSkip(temporal.client, 'open', { pair: `NOPAIR${i}` });
    await assert.rejects(skip('open', 'USDJPY'), refused, 'the list of notes is full');

    for (let i = 0; i < 20; i += 1) await signals.signalSkip(temporal.client, 'open', { pair: 'USDJPY' });
    await assert.rejects(skip('open', 'USDJPY'), refused, 'the list of notes is full of this very note');

    merge.open();
    await handle.result();
    await assert.rejects(skip('open', 'EURUSD'), { reason: 'notRunning' });
  });

  test('what somebody else is refused meanwhile is not mine', async () => {
    const merge = gate();
    machine.script('merge AUDUSD', merge.act);
    const { handle } = await start('shared', ['AUDUSD', 'EUR', 'EURUSD']);
    await until(() => machine.calls.includes('merge AUDUSD local'));
    await skip('shared', 'EURUSD');
    const { client } = temporal;
    const amongOthers = async (): Promise<void> => {
      for (const pair of ['EURUSD', 'NOPAIR']) await signals.signalSkip(client, 'shared', { pair });
      await signals.signalPivot(client, 'shared', { backend: 'spark' });
      await signals.signalSkip(client, 'shared', { pair: 'EUR' });
    };
    const taken = await deliver(client, 'shared', 'skipPair', { pair: 'EUR' }, amongOthers);
    assert.deepEqual(taken, { sent: undefined, confirmed: true });
    const pivot = (backend: string) =>
      deliver(client, 'shared', 'pivotBackend', { backend }, async () => {
        for (const own of ['spark', backend]) await signals.signalPivot(client, 'shared', { backend: own });
      });
    assert.equal((await pivot('duckdb')).confirmed, true);
    await assert.rejects(pivot('flink'), {
      reason: 'refused',
      message: /refuses this: no backend "flink" \(there are/,
    });

    merge.open();
    assert.deepEqual((await handle.result()).skipped, ['EUR', 'EURUSD']);
  });

  test('a run of a pattern that has ended is asked which pairs it had', async () => {
    machine.script('discover NOPAIR', fails('CheckpointInvalid'));
    const { handle } = await start('pattern', '*');
    assert.equal((await handle.result()).nothingToDo, true);
    // It had none, and a folder may have come since.
    assert.deepEqual(await retry('pattern', 'NOPAIR'), { sent: { restarted: true }, confirmed: true });
    await temporal.client.workflow.getHandle('widemerge/pattern').result();
    // What has just run is restricted to one pair; any other may be retried all the same.
    assert.equal((await retry('pattern', 'OTHER')).sent.restarted, true);
  });

  test('without a worker the configuration is asked, and what it does not say is sent', async () => {
    await start('alone', ['EURUSD', 'USDJPY'], '-nobody');
    await assert.rejects(skip('alone', 'NOPE'), { message: 'run alone has no pair NOPE: it has EURUSD, USDJPY' });
    await start('unlisted', 'EUR*', '-nobody');
    const advice = 'start one with `widemerge worker`';
    const unconfirmed = { sent: undefined, confirmed: false, why: 'no worker answers', advice };
    assert.deepEqual(await skip('unlisted', 'EURUSD'), unconfirmed);
    await assert.rejects(skip('nobody', 'EURUSD'), { reason: 'notFound', message: /there is no run nobody/ });
  });
});
