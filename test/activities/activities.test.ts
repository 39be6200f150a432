import assert from 'node:assert/strict';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, suite, test } from 'node:test';
import { ApplicationFailure, CancelledFailure } from '@temporalio/activity';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import type { Activities } from '../../src/activities/index.ts';
import { createActivities } from '../../src/activities/index.ts';
import { guardLimits, mergeJob } from '../../src/activities/pair-task.ts';
import { toFailure } from '../../src/activities/typed-failure.ts';
import { MergeError } from '../../src/backends/backend.ts';
import { openJournal } from '../../src/backends/journal.ts';
import type { MergeHeartbeat } from '../../src/payloads.ts';
import { MergeFailure } from '../../src/merge/errors.ts';
import type { Discovery, MergeJob } from '../../src/merge/job.ts';
import { workspacePath } from '../../src/merge/workspace.ts';
import { availableMemoryBytes } from '../../src/workers/dependencies.ts';
import { FakeMachine, FIGURES, fails, hangs, healthy } from '../workflows/support/fake-machine.ts';
import { loseAttempt } from '../workflows/support/lost-attempt.ts';

let machine: FakeMachine;
let activities: Activities;
let environment: MockActivityEnvironment;

suite('activities', () => {
  beforeEach(() => {
    machine = new FakeMachine();
    activities = createActivities(machine.dependencies(true));
    environment = new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') });
  });
  afterEach(() => machine.remove());

  const task = () => ({ config: machine.config('fx', ['EURUSD']), pair: 'EURUSD' });
  const mergeTask = (round = 7) => ({ ...task(), backend: 'local' as const, round });
  const failure = async (work: Promise<unknown>): Promise<ApplicationFailure> => {
    const error: unknown = await work.then(
      () => assert.fail('it must fail'),
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof ApplicationFailure, String(error));
    return error;
  };

  test('errors of the rooms become typed failures that the server does not retry', async () => {
    machine.script('discover EURUSD', fails('CheckpointInvalid', 'a.parquet is truncated'));
    const { type, message, nonRetryable, details, cause, stack } = await failure(
      environment.run(activities.discoverPair, task()),
    );
    assert.deepEqual([type, message, nonRetryable], ['CheckpointInvalid', 'a.parquet is truncated', true]);
    assert.deepEqual(details, [{ type: 'CheckpointInvalid', message: 'a.parquet is truncated' }]);
    // What was foreseen is told by its details, and not by where this program noticed it.
    assert.deepEqual([cause, stack], [undefined, '']);
  });

  test("a merge's limit is the lower of its two lines", async () => {
    const { config, pair } = task();
    const lower = { ...config, limits: { ...config.limits, killAboveBytes: config.limits.memoryBytes - 1 } };
    const limitOf = async (own: typeof config) => {
      const found: Discovery = await environment.run(activities.discoverPair, { config: own, pair });
      return found.memory?.limitBytes;
    };
    assert.equal(await limitOf(config), config.limits.memoryBytes);
    assert.equal(await limitOf(lower), config.limits.memoryBytes - 1);
  });

  test('errors without a type: a full disk by its code, all else is a bug', () => {
    const { signal } = new AbortController();
    const typeOf = (error: unknown): unknown => (toFailure(error, signal) as ApplicationFailure).type;
    assert.equal(typeOf(Object.assign(new Error('no space'), { code: 'ENOSPC' })), 'DiskFull');
    assert.equal(typeOf(new TypeError('x is undefined')), 'CommandFailed');
    assert.match(
      (toFailure(new TypeError('x is undefined'), signal) as ApplicationFailure).cause?.stack ?? '',
      /activities/,
    );
    const said = new Error('the last words of the engine');
    const killed = new MergeError({ type: 'MemoryExhausted', message: 'too much' }, { cause: said });
    assert.equal((toFailure(killed, signal) as ApplicationFailure).cause, said);
    assert.equal(typeOf('what'), 'CommandFailed');
    assert.equal(typeOf(new MergeFailure('OutputMismatch', 'not of its manifest')), 'OutputMismatch');
    const cancelled = new CancelledFailure('CANCELLED');
    assert.equal(toFailure(cancelled, signal), cancelled);
    assert.equal(toFailure(new Error('aborted'), AbortSignal.abort(cancelled)), cancelled);
  });

  test('a merge heartbeats what it is told, and stops when it is cancelled', async () => {
    machine.script('merge EURUSD', hangs);
    const seen = new Promise<MergeHeartbeat>((resolve) => {
      environment.on('heartbeat', (details: MergeHeartbeat) => {
        if (details.filesDone === 1) resolve(details);
      });
    });
    const merge = environment.run(activities.mergeFiles, mergeTask());
    assert.deepEqual(await seen, {
      ...{ step: 'merge', filesDone: 1, filesTotal: 3, bytesDone: 10, bytesTotal: 30 },
      ...{ memoryBytes: 123_456, peakBytes: 123_456 },
    });
    environment.cancel('CANCELLED');
    await assert.rejects(merge, CancelledFailure);
    const journal = openJournal(workspacePath(join(machine.root, 'EURUSD.parquet')));
    assert.deepEqual(await journal.lost('local', 7), [], 'it has been seen to end');
  });

  test('three attempts that vanished with their process: BackendLost, in that round only', async () => {
    const workspace = workspacePath(join(machine.root, 'EURUSD.parquet'));
    for (let i = 0; i < 3; i += 1) await loseAttempt(workspace, 7);
    const { type, message, details } = await failure(environment.run(activities.mergeFiles, mergeTask(7)));
    assert.equal(type, 'BackendLost');
    assert.match(message, /3 attempts by local vanished .*suspected, not proven/);
    assert.equal((details as { type: string }[])[0]!.type, 'BackendLost');
    assert.deepEqual(machine.calls, [], 'it has not begun');
    assert.deepEqual(await environment.run(activities.mergeFiles, mergeTask(8)), FIGURES);
  });

  test('the gate says what is short', async () => {
    machine.healthReports.push(healthy(['swap is full', 'disk is full']));
    const gate = () => environment.run(activities.checkMachine, { config: task().config, neededDiskBytes: 1 });
    const { type, message } = await failure(gate());
    assert.deepEqual([type, message], ['HostUnhealthy', 'swap is full; disk is full']);
    assert.deepEqual(await gate(), healthy([]));
  });

  test('a pattern of pairs is the sorted folders that match it', async () => {
    for (const folder of ['USDJPY', 'EURUSD', 'EURGBP', '.hidden', 'a+b']) await mkdir(join(machine.root, folder));
    await writeFile(join(machine.root, 'EUR.txt'), '');
    await symlink(join(machine.root, 'USDJPY'), join(machine.root, 'LINKED'));
    const list = (pairs: string) => environment.run(activities.listPairs, { config: machine.config('fx', pairs) });
    assert.deepEqual(await list('EUR*'), ['EURGBP', 'EURUSD']);
    assert.deepEqual(await list('*'), ['EURGBP', 'EURUSD', 'LINKED', 'USDJPY', 'a+b']);
    assert.deepEqual(await list('?+b'), ['a+b']);
    assert.deepEqual(await list('none*'), []);
    const config = { ...machine.config('fx', '*'), root: join(machine.root, 'missing') };
    assert.equal((await failure(environment.run(activities.listPairs, { config }))).type, 'ConfigInvalid');
  });

  test('cleaning tells how many files it kept, and one of them', async () => {
    const kept = [
      { file: 'a', reason: 'changed' },
      { file: 'b', reason: 'changed' },
    ];
    const jobs: MergeJob[] = [];
    const { cleanCheckpoints } = createActivities({
      ...machine.dependencies(true),
      runMergeProcess: (job) => {
        jobs.push(job);
        return Promise.resolve({
          receipt: { mode: 'delete', files: 5, bytes: 50, keptFiles: 7, kept, restore: null },
        });
      },
    });
    const config = machine.config('fx', ['EURUSD'], { clean: 'delete' });
    assert.deepEqual(await environment.run(cleanCheckpoints, { config, pair: 'EURUSD' }), {
      ...{ mode: 'delete', files: 5, bytes: 50, keptFiles: 7, keptExample: kept[0], restore: null },
    });
    assert.deepEqual(
      jobs.map(({ steps, clean }) => [steps, clean]),
      [[['clean'], 'delete']],
    );
  });

  test('cleaning stops when it is cancelled', async () => {
    machine.script('clean EURUSD', hangs);
    const seen = new Promise<void>((resolve) => {
      environment.on('heartbeat', ({ memoryBytes }: MergeHeartbeat) => memoryBytes > 0 && resolve());
    });
    const cleaning = environment.run(activities.cleanCheckpoints, task());
    await seen;
    environment.cancel('CANCELLED');
    await assert.rejects(cleaning, CancelledFailure);
  });

  test('limits are lowered to the machine; the engine is that of the backend', () => {
    const config = machine.config('fx', ['EURUSD']);
    const { memoryBytes, killAboveBytes } = guardLimits(config, 1000);
    assert.deepEqual([memoryBytes, killAboveBytes], [800, 900]);
    assert.equal(guardLimits(config, 2 ** 40).memoryBytes, config.limits.memoryBytes);
    const job = mergeJob({ ...task(), backend: 'duckdb' }, ['verify'], 1000);
    assert.deepEqual([job.engine, job.memoryBytes, job.steps], ['duckdb', 800, ['verify']]);
    assert.equal(job.source.dir, join(machine.root, 'EURUSD'));
    assert.equal(job.output.path, join(machine.root, 'EURUSD.parquet'));
    assert.equal(availableMemoryBytes(100, 60), 60);
    assert.equal(availableMemoryBytes(100, 0), 100);
  });
});
