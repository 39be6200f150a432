import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, suite, test } from 'node:test';
import { Ajv } from 'ajv';
import { readStatus } from '../../src/client/read-status.ts';
import * as signals from '../../src/client/signals.ts';
import { startRun } from '../../src/client/start-run.ts';
import { notificationJsonSchema } from '../../src/config/notification-schema.ts';
import { defaultBigquery } from '../../src/config/load.ts';
import type { Notification, RunConfig } from '../../src/payloads.ts';
import { FakeMachine, fails, hangs, healthy } from './support/fake-machine.ts';
import type { TestWorkers } from './support/temporal.ts';
import { TestTemporal, until } from './support/temporal.ts';

let temporal: TestTemporal;
let machine: FakeMachine;
let workers: TestWorkers;
let number = 0;
let name = '';
let told = '';

const matches = new Ajv({ strict: false, formats: { 'date-time': true } }).compile(notificationJsonSchema());

/** The real command on a machine that is made up. */
suite('notify.command', { timeout: 120_000 }, () => {
  before(async () => {
    temporal = await TestTemporal.start();
  });
  after(() => temporal.stop());
  beforeEach(async () => {
    name = `told${number++}`;
    machine = new FakeMachine();
    told = join(machine.root, 'told.jsonl');
    workers = temporal.workers({ suffix: `-${name}`, dependencies: machine.dependencies });
    await workers.started;
  });
  afterEach(async () => {
    await workers.stop();
    await machine.remove();
  });

  const start = (pairs: string[], script: string, changes: Partial<RunConfig> = {}) => {
    const notify = { command: ['/bin/sh', '-c', script, told], timeoutMs: 20_000 };
    const tuning = { waitFirstMs: 50, waitMaxMs: 100, waitsPerRun: 2 };
    const config = machine.config(name, pairs, { notify, ...changes });
    return startRun(temporal.client, config, { taskQueueSuffix: `-${name}`, tuning });
  };
  const all = async (): Promise<Notification[]> => {
    const lines = (await readFile(told, 'utf8')).trimEnd().split('\n');
    return lines.map((line) => JSON.parse(line) as Notification);
  };

  test('each thing that happens is told once, as the schema says', async () => {
    machine.healthReports.push(
      ...Array.from({ length: 5 }, () => healthy(['free memory 1.0 GiB, at least 2.0 GiB wanted'])),
    );
    machine.script('merge EURUSD', fails('MergeStalled', 'no progress for 600 s'));
    machine.script('discover GBPUSD', fails('CheckpointInvalid', 'a.parquet is truncated'));
    machine.budgetWarnings.push('the budget of the run stands at 80 %');
    const { handle } = await start(['EURUSD', 'GBPUSD'], 'cat >> "$0"', {
      ...{ backends: ['local', 'bigquery'], bigquery: { ...defaultBigquery(), project: 'p' } },
    });
    await handle.result();
    const events = await all();
    for (const event of events) assert.ok(matches(event), JSON.stringify([event, matches.errors]));
    const short = events.map(({ event, reason }) => `${event}: ${reason}`);
    assert.deepEqual(short.toSorted(), [
      'budgetWarning: the budget of the run stands at 80 %',
      'machineUnhealthy: free memory 1.0 GiB, at least 2.0 GiB wanted',
      'mergeKilled: no progress for 600 s',
      'pairSetAside: CheckpointInvalid: a.parquet is truncated',
      'runEnded: completed: 1 merged, 1 set aside, 0 skipped',
    ]);
    assert.equal(events.at(-1)!.event, 'runEnded');
    assert.deepEqual(new Set(events.map(({ workflowId }) => workflowId)), new Set([`widemerge/${name}`]));
  });

  test('a command that fails is tried three times and noted, and nothing else comes of it', async () => {
    machine.script('discover GBPUSD', fails('CheckpointInvalid'));
    const { handle } = await start(['GBPUSD', 'EURUSD'], 'cat >> "$0"; echo the gateway is closed; exit 9');
    assert.deepEqual((await handle.result()).merged, ['EURUSD']);
    const { notes } = (await readStatus(temporal.client, name)).progress;
    assert.equal(notes.length, 2);
    assert.match(notes[0]!, /^pairSetAside was not told: notify\.command: the gateway is closed$/);
    assert.equal((await all()).filter(({ event }) => event === 'pairSetAside').length, 3);
  });

  test('a run that is cancelled says so', async () => {
    machine.script('merge EURUSD', hangs);
    const { handle } = await start(['EURUSD'], 'cat >> "$0"');
    await until(() => machine.calls.includes('merge EURUSD local'));
    await signals.cancelRun(temporal.client, name);
    await assert.rejects(handle.result());
    const [event, ...more] = await all();
    assert.deepEqual(
      [event?.event, event?.reason, more.length],
      ['runEnded', 'cancelled: 0 merged, 0 set aside, 0 skipped', 0],
    );
  });
});
