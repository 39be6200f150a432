import assert from 'node:assert/strict';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { after, afterEach, before, beforeEach, suite, test } from 'node:test';
import type { ConnectionLike } from '@temporalio/client';
import { readLedger } from '../../src/client/budget.ts';
import { readStatus } from '../../src/client/read-status.ts';
import { startRun } from '../../src/client/start-run.ts';
import { defaultBigquery } from '../../src/config/load.ts';
import { missingSearchAttributes, registerSearchAttributes } from '../../src/workers/search-attributes.ts';
import { FakeMachine, hangs } from '../workflows/support/fake-machine.ts';
import { TestTemporal, until } from '../workflows/support/temporal.ts';

let temporal: TestTemporal;
let machine: FakeMachine;

suite('workers', { timeout: 120_000 }, () => {
  before(async () => {
    temporal = await TestTemporal.start();
  });
  after(() => temporal.stop());
  beforeEach(() => {
    machine = new FakeMachine();
  });
  afterEach(() => machine.remove());

  test('register the search attributes once', async () => {
    assert.equal((await missingSearchAttributes(temporal.connection, 'default')).length, 3);
    const log: string[] = [];
    const register = () => registerSearchAttributes(temporal.connection, 'default', (line) => log.push(line));
    assert.equal(await register(), true);
    assert.equal(await register(), true);
    assert.equal(log.length, 1);
    assert.deepEqual(await missingSearchAttributes(temporal.connection, 'default'), []);
  });

  test('go on without search attributes where they may not be registered, and say so', async () => {
    const operatorService = {
      listSearchAttributes: () => Promise.resolve({ customAttributes: { MergePair: 1 } }),
      addSearchAttributes: () => Promise.reject(new Error('permission denied')),
    };
    const log: string[] = [];
    const connection = { operatorService } as unknown as ConnectionLike;
    assert.equal(await registerSearchAttributes(connection, 'default', (line) => log.push(line)), false);
    assert.match(log[0]!, /goes on without .*MergePair.*permission denied/);

    const workers = temporal.workers({ suffix: '-bare', dependencies: () => machine.dependencies(false) });
    await workers.started;
    const { handle } = await startRun(temporal.client, machine.config('bare', ['A']), { taskQueueSuffix: '-bare' });
    assert.deepEqual((await handle.result()).merged, ['A']);
    for (const id of ['widemerge/bare', 'widemerge/bare/A']) {
      const { events } = await temporal.client.workflow.getHandle(id).fetchHistory();
      assert.ok(!events!.some((event) => event.upsertWorkflowSearchAttributesEventAttributes), id);
    }
    await workers.stop();
  });

  test('drain on the signal: the merge stops, the status is there without them, and the next ones go on', async () => {
    machine.script('merge EURUSD', hangs);
    const first = temporal.workers({ suffix: '-drain', dependencies: machine.dependencies });
    await first.started;
    const config = machine.config('drain', ['EURUSD', 'USDJPY']);
    const { handle } = await startRun(temporal.client, config, { taskQueueSuffix: '-drain' });
    await until(async () => (await readStatus(temporal.client, 'drain')).live[0]?.heartbeat?.filesDone === 1);
    await first.stop();

    const status = await readStatus(temporal.client, 'drain');
    assert.equal(status.source, 'server');
    assert.equal(status.workflowStatus, 'RUNNING');
    assert.match(status.remark!, /no worker/);
    const states = status.progress.pairs.map(({ pair, state, backend }) => [pair, state, backend]);
    assert.deepEqual(states, [
      ['EURUSD', 'merging', 'local'],
      ['USDJPY', 'waiting', null],
    ]);
    assert.equal(status.live[0]?.activity, 'mergeFiles');

    const second = temporal.workers({ suffix: '-drain', dependencies: machine.dependencies });
    await second.started;
    assert.deepEqual((await handle.result()).merged, ['EURUSD', 'USDJPY']);
    assert.equal(machine.calls.filter((call) => call === 'merge EURUSD local').length, 2);
    await second.stop();

    const closed = await readStatus(temporal.client, 'drain');
    assert.deepEqual([closed.source, closed.progress.state], ['server', 'done']);
    assert.deepEqual(
      closed.progress.pairs.map(({ state }) => state),
      ['merged', 'merged'],
    );
    await assert.rejects(readStatus(temporal.client, 'nobody'), /no run nobody/);
  });

  test('drain on the signal: what is cancelled on BigQuery still tells its bill', async () => {
    const project = 'widemerge-drain';
    const line = { jobId: 'j', step: 'stage', kind: 'scan' } as const;
    let isReserved = false;
    let isSettled = false;
    const workflowsPath = fileURLToPath(new URL('../workflows/support/one-step-workflows.ts', import.meta.url));
    const bundle = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') });
    const serve = () =>
      temporal.workers({
        suffix: '-bill',
        bundle,
        dependencies: (ready, books) => {
          const dependencies = machine.dependencies(ready);
          const { bigquery } = dependencies;
          const stageTables: typeof bigquery.stageTables = async (_, { purse, signal }) => {
            await purse.reserve({ ...line, nanos: 100 });
            isReserved = true;
            await once(signal!, 'abort');
            await purse.settle({ ...line, nanos: 60 });
            isSettled = true;
            throw signal!.reason;
          };
          return { ...dependencies, books, bigquery: { ...bigquery, stageTables } };
        },
      });
    const first = serve();
    await first.started;
    const config = machine.config('bill', ['A'], { bigquery: { ...defaultBigquery(), project } });
    const task = { config, pair: 'A', run: 'bill@1', round: 0 };
    const options = { workflowId: 'one-step', taskQueue: 'widemerge-bill', args: [task, '-bill'] };
    const handle = await temporal.client.workflow.start('stageOnce', options);
    await until(() => isReserved);
    await first.stop();
    assert.ok(isSettled, 'the workflows were served until then');

    const second = serve();
    await second.started;
    await assert.rejects(handle.result());
    const { open, months } = await readLedger(temporal.client, project);
    assert.deepEqual([open, months[0]!.spentNanos], [[], 60]);
    await second.stop();
  });
});
