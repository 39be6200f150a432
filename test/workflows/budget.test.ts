import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { WithStartWorkflowOperation, WorkflowUpdateFailedError } from '@temporalio/client';
import { listBudgets, raiseBudget, readLedger } from '../../src/client/budget.ts';
import type { ReserveAnswer, ReserveRequest, SettleAnswer } from '../../src/budget/messages.ts';
import { monthOf } from '../../src/budget/month.ts';
import type { BUDGET_MESSAGES } from '../../src/contract.ts';
import { budgetWorkflowId } from '../../src/contract.ts';
import type { budget } from '../../src/workflows/budget.ts';
import { FakeMachine } from './support/fake-machine.ts';
import type { TestWorkers } from './support/temporal.ts';
import { TestTemporal, until } from './support/temporal.ts';

const DOLLAR = 1e9;
const taskQueueSuffix = '-budget';
let temporal: TestTemporal;
let machine: FakeMachine;
let workers: TestWorkers;

suite('the budget on the embedded server', { timeout: 120_000 }, () => {
  const serve = async (): Promise<void> => {
    workers = temporal.workers({ suffix: taskQueueSuffix, dependencies: machine.dependencies });
    await workers.started;
  };
  before(async () => {
    temporal = await TestTemporal.start();
    machine = new FakeMachine();
    await serve();
  });
  after(async () => {
    await workers.stop();
    await machine.remove();
    await temporal.stop();
  });

  const job = (jobId: string, dollars: number): ReserveRequest => ({
    ...{ jobId, run: 'fx-1', pair: 'EURUSD', step: 'merge', kind: 'scan', nanos: dollars * DOLLAR },
    budget: { runNanos: 10 * DOLLAR, monthNanos: 10 * DOLLAR },
  });
  /** As an activity does it: whoever comes first starts the workflow. */
  const tell = <T>(
    project: string,
    message: keyof typeof BUDGET_MESSAGES,
    request: object,
    id?: string,
  ): Promise<T> => {
    const startWorkflowOperation = new WithStartWorkflowOperation<typeof budget>('budget', {
      workflowId: budgetWorkflowId(project),
      taskQueue: `widemerge${taskQueueSuffix}`,
      args: [{ project, updatesPerRun: 10 }],
      workflowIdConflictPolicy: 'USE_EXISTING',
    });
    const options = { args: [request] as [object], startWorkflowOperation, ...(id !== undefined && { updateId: id }) };
    return temporal.client.workflow.executeUpdateWithStart<typeof budget, T, [object]>(message, options);
  };
  const figures = async (project: string): Promise<(number | null)[]> => {
    const [month, ...others] = (await readLedger(temporal.client, project)).months;
    assert.equal(others.length, 0);
    return [month!.limitNanos, month!.spentNanos, month!.reservedNanos].map((nanos) => (nanos ?? 0) / DOLLAR);
  };
  const currentRun = async (project: string): Promise<string> =>
    (await temporal.client.workflow.getHandle(budgetWorkflowId(project)).describe()).runId;

  test('of jobs that come at once only those are granted that fit', async () => {
    const answers = await Promise.all(
      Array.from({ length: 9 }, (_, i) => tell<ReserveAnswer>('at-once', 'reserve', job(`job${i}`, 3))),
    );
    assert.equal(answers.filter(({ granted }) => granted).length, 3);
    const refused = answers.find((answer) => !answer.granted)!;
    assert.ok(!refused.granted);
    assert.equal(refused.refusal.type, 'BudgetExceeded');
    assert.deepEqual(await figures('at-once'), [10, 0, 9]);
  });

  test('is carried through many a continue-as-new; jobs are not counted twice, whatever ids their updates have', async () => {
    const runs = new Set<string>();
    for (let round = 0; round < 3; round += 1) {
      for (let i = 0; i < 6; i += 1) {
        await tell('carried', 'reserve', job(`job${i}`, 1), `reserve${i}`);
        if (i < 4) await tell('carried', 'settle', job(`job${i}`, 0.5), `settle${i}`);
        if (i === 5) await tell('carried', 'release', { jobId: 'job5' });
      }
      runs.add(await currentRun('carried'));
      assert.deepEqual(await figures('carried'), [10, 2, 1], `round ${round}`);
    }
    assert.ok(runs.size > 1, 'it has continued as new');
  });

  test('updates that meet a continue-as-new are neither lost nor counted twice', async () => {
    const jobs = Array.from({ length: 40 }, (_, i) => job(`job${i}`, 0.2));
    await Promise.all(
      jobs.map(async (request) => {
        await tell<ReserveAnswer>('crowded', 'reserve', request);
        const settled = await tell<SettleAnswer>('crowded', 'settle', { ...request, nanos: 0.1 * DOLLAR });
        assert.equal(settled.unknown, false);
      }),
    );
    assert.deepEqual(await figures('crowded'), [10, 4, 0]);
    const { open, unknownJobs } = await readLedger(temporal.client, 'crowded');
    assert.deepEqual([open.length, unknownJobs], [0, 0]);
  });

  test('what is no request is refused and leaves no trace', async () => {
    await tell('strict', 'reserve', job('a', 1));
    const handle = temporal.client.workflow.getHandle(budgetWorkflowId('strict'));
    const events = async (): Promise<number> => (await handle.fetchHistory()).events!.length;
    const before = await events();
    for (const [message, request] of [
      ['reserve', { ...job('b', 1), nanos: 0.5 }],
      ['reserve', { ...job('b', 1), nanos: NaN }],
      ['reserve', { ...job('b', 1), budget: undefined }],
      ['reserve', { ...job('b', 1), kind: 'tip' }],
      ['settle', { ...job('a', 1), nanos: -1 }],
      ['settle', { ...job('', 1) }],
      ['release', {}],
      ['raise', { toNanos: 0 }],
      ['raise', { toNanos: DOLLAR / 2, lower: true }],
    ] as const)
      await assert.rejects(handle.executeUpdate(message, { args: [request] }), WorkflowUpdateFailedError);
    assert.equal(await events(), before);
    assert.deepEqual(await figures('strict'), [10, 0, 1]);
  });

  test('is raised to an amount, also before its first job, and outlives its worker', async () => {
    const { client } = temporal;
    const raise = (dollars: number, more = {}) =>
      raiseBudget(client, 'raised', { toNanos: dollars * DOLLAR, ...more }, { taskQueueSuffix });
    await assert.rejects(readLedger(client, 'raised'), { name: 'RunError', reason: 'notFound' });
    const month = monthOf(Date.now());
    const first = await raise(5);
    assert.deepEqual(first.raised, [{ scope: 'month', name: first.month, fromNanos: null, toNanos: 5 * DOLLAR }]);
    assert.ok(first.month >= month);
    const refused = await tell<ReserveAnswer>('raised', 'reserve', job('a', 6));
    assert.equal(refused.granted, false, 'the configured 10 do not count beside the 5');
    await raise(12);
    assert.equal((await tell<ReserveAnswer>('raised', 'reserve', job('a', 6))).granted, true);
    await assert.rejects(raise(5, { lower: true }), { reason: 'refused', message: /spent and reserved, \$6\.00/ });
    await assert.rejects(raise(11), { reason: 'refused', message: /less than the present budget/ });
    await until(async () => (await listBudgets(client)).includes('raised'));

    await workers.stop();
    await assert.rejects(readLedger(client, 'raised'), { reason: 'noWorker' });
    await assert.rejects(raise(13), { reason: 'noWorker', message: /no worker answers.*widemerge worker/ });
    await serve();
    assert.deepEqual((await figures('raised')).slice(1), [0, 6]);
    await raise(13);
    assert.deepEqual(await figures('raised'), [13, 0, 6]);
  });
});
