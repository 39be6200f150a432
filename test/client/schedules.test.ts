import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { configDigest } from '../../src/client/digest.ts';
import * as schedules from '../../src/client/schedules.ts';
import { startRun } from '../../src/client/start-run.ts';
import type { RunConfig } from '../../src/payloads.ts';
import type { ScheduledStartResult } from '../../src/workflows/inputs.ts';
import { FakeMachine, gate } from '../workflows/support/fake-machine.ts';
import type { TestWorkers } from '../workflows/support/temporal.ts';
import { TestTemporal, until } from '../workflows/support/temporal.ts';

let temporal: TestTemporal;
let machine: FakeMachine;
let workers: TestWorkers;
const taskQueueSuffix = '-scheduled';

suite('schedules', { timeout: 120_000 }, () => {
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

  /** Results of what the schedule has started so far, oldest first. */
  const starts = async (name: string): Promise<ScheduledStartResult[]> => {
    const { info } = await temporal.client.schedule.getHandle(`widemerge/${name}`).describe();
    return Promise.all(
      info.recentActions.map(
        ({ action }) =>
          temporal.client.workflow.getHandle(action.workflow.workflowId).result() as Promise<ScheduledStartResult>,
      ),
    );
  };
  const create = (config: RunConfig, times: schedules.ScheduleTimes = { cron: ['0 3 * * *'] }) =>
    schedules.createSchedule(temporal.client, config, times, { taskQueueSuffix });

  test('times that the server does not take are the usage of its caller', async () => {
    const config = machine.config('never', ['EURUSD']);
    await assert.rejects(create(config, { cron: ['not a cron'] }), { name: 'RunError', reason: 'scheduleInvalid' });
    await assert.rejects(create(config, { cron: ['0 3 * * *'], timezone: 'No/Where' }), { reason: 'scheduleInvalid' });
  });

  test('start a run under its fixed id, and are skipped while one is on', async () => {
    const { client } = temporal;
    const merge = gate();
    machine.script('merge EURUSD', merge.act);
    const config = machine.config('nightly', ['EURUSD']);
    await create(config);
    const manual = await startRun(client, config, { taskQueueSuffix });

    await schedules.triggerSchedule(client, 'nightly');
    const [skipped] = await until(async () => {
      const results = await starts('nightly');
      return results.length === 1 && results;
    });
    assert.equal(skipped!.started, false);
    assert.match(skipped!.reason!, /^skipped: widemerge\/nightly is running already$/);

    merge.open();
    await manual.handle.result();
    machine.mergedBefore('EURUSD');
    await schedules.triggerSchedule(client, 'nightly');
    const [, started] = await until(async () => {
      const results = await starts('nightly');
      return results.length === 2 && results;
    });
    assert.deepEqual(started, { started: true, workflowId: 'widemerge/nightly', reason: null });
    const result: unknown = await client.workflow.getHandle('widemerge/nightly').result();
    assert.equal((result as { nothingToDo: boolean }).nothingToDo, true);
    const again = await startRun(client, config, { taskQueueSuffix });
    assert.equal(again.attached, false, 'the scheduled run has ended');
    await again.handle.result();
  });

  test('a pattern that matches nothing ends well, and says so', async () => {
    const { handle } = await startRun(temporal.client, machine.config('none', 'EUR*'), { taskQueueSuffix });
    const result = await handle.result();
    assert.deepEqual(result, { name: 'none', merged: [], setAside: [], skipped: [], nothingToDo: true });
    const { notes } = await handle.query<{ notes: string[] }>('progress');
    assert.match(notes[0]!, /nothing to do: there are no folders/);
  });

  test('are listed, paused, resumed and deleted', async () => {
    const { client } = temporal;
    await create(machine.config('weekly', ['EURUSD']), { everyMs: 7 * 86_400_000 });
    await assert.rejects(create(machine.config('weekly', ['EURUSD'])), /there is a schedule weekly already/);
    const listed = await until(async () => {
      const all = await schedules.listSchedules(client);
      return all.find(({ name }) => name === 'weekly');
    });
    assert.equal(listed.scheduleId, 'widemerge/weekly');
    await schedules.pauseSchedule(client, 'weekly');
    assert.equal((await schedules.describeSchedule(client, 'weekly')).paused, true);
    await schedules.resumeSchedule(client, 'weekly');
    assert.equal((await schedules.describeSchedule(client, 'weekly')).paused, false);
    await schedules.deleteSchedule(client, 'weekly');
    await assert.rejects(schedules.triggerSchedule(client, 'weekly'), /no schedule weekly/);
  });

  test('the digest of a configuration does not depend on the order of its keys', () => {
    const config = machine.config('digest', ['EURUSD']);
    const turned = Object.fromEntries(Object.entries(config).toReversed()) as unknown as RunConfig;
    assert.equal(configDigest(turned), configDigest(config));
    assert.notEqual(configDigest({ ...config, pairs: ['USDJPY'] }), configDigest(config));
  });
});
