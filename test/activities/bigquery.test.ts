import assert from 'node:assert/strict';
import { join } from 'node:path';
import { afterEach, beforeEach, suite, test } from 'node:test';
import { ApplicationFailure, CancelledFailure } from '@temporalio/activity';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { createActivities } from '../../src/activities/index.ts';
import type { Activities } from '../../src/activities/index.ts';
import { mergeJob, type CloudTask } from '../../src/activities/pair-task.ts';
import type { BudgetBooks } from '../../src/backends/bigquery-purse.ts';
import type { BigqueryBackend } from '../../src/backends/bigquery.ts';
import { BigQueryError, reasonOf } from '../../src/bigquery/error-reasons.ts';
import { openJournal } from '../../src/backends/journal.ts';
import { defaultBigquery } from '../../src/config/load.ts';
import type { MergeHeartbeat } from '../../src/payloads.ts';
import { workspacePath } from '../../src/merge/workspace.ts';
import { FakeMachine, FIGURES } from '../workflows/support/fake-machine.ts';
import { loseAttempt } from '../workflows/support/lost-attempt.ts';

const PROJECT = 'widemerge-test';
let machine: FakeMachine;
let activities: Activities;
let environment: MockActivityEnvironment;

suite('activities of BigQuery', () => {
  beforeEach(() => {
    machine = new FakeMachine();
    activities = createActivities(machine.dependencies(true));
    environment = new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') });
  });
  afterEach(() => machine.remove());

  const task = (project: string | null = PROJECT): CloudTask => ({
    config: machine.config('fx', ['EURUSD'], { bigquery: { ...defaultBigquery(), project, budgetDollars: 0.1 } }),
    ...{ pair: 'EURUSD', run: 'fx@2026', round: 2, journalRound: 2 },
  });
  const run = <R>(activity: (task: CloudTask) => Promise<R>, argument = task()): Promise<R> =>
    environment.run(activity, argument);
  const failure = async (work: Promise<unknown>): Promise<[string | null | undefined, string]> => {
    const error: unknown = await work.then(
      () => assert.fail('it must fail'),
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof ApplicationFailure, String(error));
    assert.equal(error.nonRetryable, true);
    return [error.type, error.message];
  };
  const withBackend = (changes: Partial<BigqueryBackend>, books?: BudgetBooks): Activities => {
    const dependencies = machine.dependencies(true);
    return createActivities({
      ...dependencies,
      bigquery: { ...dependencies.bigquery, ...changes },
      ...(books && { books }),
    });
  };

  test('are a pair’s steps, and say what they have done', async () => {
    assert.deepEqual(await run(activities.prepareStaging), { checkpoints: 3, columns: 7, rows: 10, bytes: 30 });
    assert.deepEqual(await run(activities.stageCheckpoints), { tables: 4, sent: 4, bytesSent: 30, warnings: [] });
    const bill = { parts: 1, queries: 1, bytesBilled: 40, slotMs: 500, nanos: 250 };
    assert.deepEqual(await run(activities.queryParts), { ...bill, warnings: [] });
    assert.deepEqual(await run(activities.fetchParts), { figures: FIGURES, bytesRead: 20, nanos: 50, warnings: [] });
    assert.deepEqual(await run(activities.tidyStaging), { removed: 5, nanos: 0, warnings: [] });
    assert.deepEqual(
      machine.calls,
      ['prepare', 'stage', 'query', 'fetch', 'end', 'tidy'].map((step) => `${step} EURUSD`),
    );
    assert.equal(mergeJob({ ...task(), backend: 'bigquery' }, ['verify'], 1000).engine, 'bigquery');
  });

  test('without a project nothing is begun', async () => {
    const { prepareStaging, stageCheckpoints, queryParts, fetchParts, tidyStaging } = activities;
    for (const activity of [prepareStaging, stageCheckpoints, queryParts, fetchParts, tidyStaging])
      assert.deepEqual(await failure(run<unknown>(activity, task(null))), [
        'ConfigInvalid',
        'bigquery.project is not set: name the Google Cloud project that pays, or take bigquery out of `backends`',
      ]);
    assert.deepEqual(machine.calls, []);
  });

  test('the money is asked of the project’s books; warnings come back', async () => {
    const asked: unknown[] = [];
    const logged: string[] = [];
    const logger = new DefaultLogger('WARN', ({ message }) => logged.push(message));
    environment = new MockActivityEnvironment({}, { logger });
    const books: BudgetBooks = {
      reserve: (project, request) => {
        asked.push([project, request]);
        return Promise.resolve({ granted: true, settled: false, warnings: ['half of it'] });
      },
      settle: (project, { nanos }) => {
        asked.push([project, nanos]);
        return Promise.resolve({ changed: true, unknown: false, warnings: [] });
      },
      open: () => Promise.resolve([]),
    };
    const { tidyStaging } = withBackend(
      {
        tidyTables: async (_, { purse }) => {
          await purse.reserve({ jobId: 'j', step: 'tidy', kind: 'staging', nanos: 7 });
          await purse.settle({ jobId: 'j', step: 'tidy', kind: 'staging', nanos: 5 });
          return { removed: 1 };
        },
      },
      books,
    );
    assert.deepEqual(await run(tidyStaging), { removed: 1, nanos: 5, warnings: ['half of it'] });
    const line = { jobId: 'j', step: 'tidy', kind: 'staging', nanos: 7, run: 'fx@2026', pair: 'EURUSD' };
    assert.deepEqual(asked, [
      [PROJECT, { ...line, budget: { runNanos: 1e8, monthNanos: 1e8 } }],
      [PROJECT, 5],
    ]);
    assert.deepEqual(logged, ['budget: half of it'], 'at once: a step that fails returns none');
  });

  test('a refusal of the budget is typed', async () => {
    const refusal = { type: 'BudgetExceeded', message: 'all is spent', scope: 'run', name: 'fx@2026' } as const;
    const amounts = { limitNanos: 1, spentNanos: 1, reservedNanos: 0, wantedNanos: 1 };
    const books: BudgetBooks = {
      reserve: () => Promise.resolve({ granted: false, refusal: { ...refusal, ...amounts } }),
      settle: () => assert.fail('nothing was reserved'),
      open: () => Promise.resolve([]),
    };
    const spends = withBackend(
      {
        stageTables: async (_, { purse }) => {
          await purse.reserve({ jobId: 'j', step: 'stage', kind: 'staging', nanos: 7 });
          return assert.fail('it has no money');
        },
      },
      books,
    );
    assert.deepEqual(await failure(run(spends.stageCheckpoints)), [
      'BudgetExceeded',
      'all is spent, then: widemerge retry fx EURUSD',
    ]);
  });

  test('the heartbeat has what the service says, and a cancellation reaches the step', async () => {
    let isStopped = false;
    const { queryParts } = withBackend({
      queryParts: (_, { onProgress, signal }) => {
        onProgress?.({
          ...{ step: 'query', done: 1, total: 2, bytesDone: 3, bytesTotal: 4 },
          ...{ bytesBilled: 5, slotMs: 6 },
        });
        return new Promise((_resolve, reject) =>
          signal?.addEventListener('abort', () => {
            isStopped = true;
            reject(signal.reason as Error);
          }),
        );
      },
    });
    const seen = new Promise<MergeHeartbeat>((resolve) => {
      environment.on('heartbeat', (details: MergeHeartbeat) => details.bytesBilled !== undefined && resolve(details));
    });
    const querying = run(queryParts);
    assert.deepEqual(await seen, {
      ...{ step: 'query', filesDone: 1, filesTotal: 2, bytesDone: 3, bytesTotal: 4, bytesBilled: 5, slotMs: 6 },
      ...{ memoryBytes: 0, peakBytes: 0 },
    });
    environment.cancel('CANCELLED');
    await assert.rejects(querying, CancelledFailure);
    assert.ok(isStopped);
  });

  for (const [reason, leaves] of [
    ['CANCELLED', false],
    ['WORKER_SHUTDOWN', true],
    ['TIMED_OUT', true],
    ['NOT_FOUND', true],
    ['PAUSED', true],
  ] as const)
    test(`an attempt that ends as ${reason} ${leaves ? 'leaves its jobs to the next' : 'ends its jobs'}`, async () => {
      let left: boolean | undefined;
      const { queryParts } = withBackend({
        queryParts: (_, { signal, leavesJobs }) =>
          new Promise((_resolve, reject) => {
            signal?.addEventListener('abort', () => {
              left = leavesJobs?.();
              reject(signal.reason as Error);
            });
            environment.cancel(reason);
          }),
      });
      await assert.rejects(run(queryParts), CancelledFailure);
      assert.equal(left, leaves);
    });

  test('fetches that vanished with their machine narrow the next, and are too many at three', async () => {
    const narrowings: number[] = [];
    const { fetchParts } = withBackend({
      fetchParts: (_request, _hooks, job, _context, narrowed) => {
        narrowings.push(narrowed);
        assert.deepEqual([job.engine, job.steps], ['bigquery', ['merge']]);
        return Promise.resolve({ figures: FIGURES, bytesRead: 1, nanos: 1 });
      },
    });
    const workspace = workspacePath(join(machine.root, 'EURUSD.parquet'));
    await loseAttempt(workspace, 2, 'bigquery');
    await run(fetchParts);
    assert.deepEqual(narrowings, [1]);
    for (let i = 0; i < 3; i += 1) await loseAttempt(workspace, 2, 'bigquery');
    assert.equal((await failure(run(fetchParts)))[0], 'BackendLost');
    assert.equal((await openJournal(workspace).lost('bigquery', 2)).length, 3);
  });

  test('the service’s errors keep their type; without credentials one line says what to do', async () => {
    const missing = new Error('Could not load the default credentials. Browse to https://... for more information.');
    const { stageCheckpoints } = withBackend({
      stageTables: () => {
        const reason = reasonOf(missing) ?? assert.fail('it is not known');
        return Promise.reject(new BigQueryError('look for dataset x', reason, missing.message, { cause: missing }));
      },
    });
    const [type, message] = await failure(run(stageCheckpoints));
    assert.equal(type, 'ConfigInvalid');
    assert.match(message, /^BigQuery: look for dataset x: .*gcloud auth application-default login.*$/);
  });
});
