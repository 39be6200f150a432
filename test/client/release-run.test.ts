import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { raiseBudget, readLedger } from '../../src/client/budget.ts';
import { releaseRun } from '../../src/client/release-run.ts';
import { startRun } from '../../src/client/start-run.ts';
import { BUDGET_MESSAGES, budgetWorkflowId } from '../../src/contract.ts';
import { runId } from '../../src/workflows/run-id.ts';
import { FakeMachine, gate } from '../workflows/support/fake-machine.ts';
import type { TestWorkers } from '../workflows/support/temporal.ts';
import { TestTemporal, until } from '../workflows/support/temporal.ts';

const taskQueueSuffix = '-release';
const PROJECT = 'released';
let temporal: TestTemporal;
let machine: FakeMachine;
let workers: TestWorkers;

suite('releasing what a run has left reserved', { timeout: 120_000 }, () => {
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

  test('is refused while the run is open; an earlier one of its name, and all others, stand for themselves', async () => {
    const { client } = temporal;
    const merge = gate();
    machine.script('merge EURUSD', merge.act);
    const { handle } = await startRun(client, machine.config('fx', ['EURUSD']), { taskQueueSuffix });
    await until(() => machine.calls.includes('merge EURUSD local'));
    const { startTime } = await handle.describe();
    const own = runId('fx', Math.floor(startTime.getTime() / 1000));
    const earlier = runId('fx', 1_780_000_000);

    await raiseBudget(client, PROJECT, { toNanos: 1e9 }, { taskQueueSuffix });
    const books = client.workflow.getHandle(budgetWorkflowId(PROJECT));
    for (const [i, run] of [own, own, earlier, 'other@2026-11-24T02:00:00Z'].entries()) {
      const line = { jobId: `job${i}`, run, pair: 'EURUSD', step: 'merge', kind: 'scan', nanos: 10 };
      await books.executeUpdate(BUDGET_MESSAGES.reserve, {
        args: [{ ...line, budget: { runNanos: 1e9, monthNanos: 1e9 } }],
      });
    }
    const open = async (): Promise<string[]> => (await readLedger(client, PROJECT)).open.map(({ jobId }) => jobId);

    await assert.rejects(releaseRun(client, PROJECT, own), { name: 'RunError', reason: 'refused', message: /is open/ });
    await assert.rejects(releaseRun(client, PROJECT, 'fx'), {
      reason: 'notFound',
      message: /these have: fx@.*, other@/,
    });
    assert.deepEqual(await open(), ['job0', 'job1', 'job2', 'job3']);
    assert.deepEqual(
      (await releaseRun(client, PROJECT, earlier)).map(({ jobId }) => jobId),
      ['job2'],
    );

    await handle.terminate('its server is gone');
    assert.equal((await releaseRun(client, PROJECT, own)).length, 2);
    assert.deepEqual(await open(), ['job3']);
    merge.open();
  });
});
