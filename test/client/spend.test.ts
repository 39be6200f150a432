/** The books as a worker's activities see them: over the worker's own connection. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { Client } from '@temporalio/client';
import { readLedger } from '../../src/client/budget.ts';
import { openBooks } from '../../src/client/spend.ts';
import { PairPurse } from '../../src/backends/bigquery-purse.ts';
import { FakeMachine } from '../workflows/support/fake-machine.ts';
import type { TestWorkers } from '../workflows/support/temporal.ts';
import { TestTemporal, until } from '../workflows/support/temporal.ts';

const taskQueueSuffix = '-spend';
const DOLLAR = 1e9;
let temporal: TestTemporal;
let machine: FakeMachine;
let workers: TestWorkers;

suite('spending', { timeout: 120_000 }, () => {
  const log: string[] = [];
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

  const purse = (project: string, signal?: AbortSignal): PairPurse =>
    new PairPurse({
      ...{ project, run: 'fx@2026', runName: 'fx', pair: 'EURUSD', budgetNanos: 10 * DOLLAR },
      books: openBooks(new Client({ connection: temporal.native }), {
        ...{ taskQueueSuffix, waitFirstMs: 50 },
        log: (line) => log.push(line),
      }),
      ...(signal && { signal }),
    });
  const line = (jobId: string, dollars: number) =>
    ({ jobId, step: 'merge', kind: 'scan', nanos: dollars * DOLLAR }) as const;
  const month = async (project: string) => (await readLedger(temporal.client, project)).months[0]!;

  test('begins the books, warns, and says of what is refused what to do', async () => {
    const own = purse('begun');
    assert.deepEqual(await own.reserve(line('a', 6)), { settled: false });
    assert.equal(own.warnings.length, 2);
    assert.match(own.warnings[0]!, /60 % of the budget/);
    await assert.rejects(own.reserve(line('b', 6)), {
      type: 'BudgetExceeded',
      message:
        /spent \$0\.00, reserved \$6\.00.*widemerge budget begun --raise AMOUNT.*, then: widemerge retry fx EURUSD$/,
    });
    await own.settle(line('a', 1));
    assert.equal(own.settledNanos, DOLLAR);
    assert.deepEqual(await own.reserve(line('a', 6)), { settled: true });
    const { limitNanos, spentNanos, reservedNanos } = await month('begun');
    assert.deepEqual([limitNanos, spentNanos, reservedNanos], [10 * DOLLAR, DOLLAR, 0]);
  });

  test('what is open is what was reserved and not settled; nothing where there are no books yet', async () => {
    assert.deepEqual(await purse('never').open(), []);
    await purse('some').reserve(line('a', 1));
    await purse('some').reserve(line('b', 2));
    await purse('some').settle(line('a', 1));
    assert.deepEqual(
      (await purse('some').open()).map(({ jobId, nanos }) => [jobId, nanos]),
      [['b', 2 * DOLLAR]],
    );
  });

  test('a job that cost nothing and is submitted again is reserved anew', async () => {
    await purse('anew').reserve(line('a', 6));
    await purse('anew').settle(line('a', 0));
    await purse('anew').reserve(line('a', 6));
    assert.equal((await month('anew')).reservedNanos, 6 * DOLLAR);
  });

  test('waits for books that are out of reach, until it is stopped', async () => {
    await workers.stop();
    const stop = new AbortController();
    const stopped = purse('away', stop.signal).reserve(line('a', 1));
    const waiting = purse('away').reserve(line('b', 1));
    const reason = new Error('stopped');
    setTimeout(() => stop.abort(reason), 200);
    await assert.rejects(stopped, reason);
    await serve();
    assert.deepEqual(await waiting, { settled: false });
    await until(async () => (await month('away')).reservedNanos >= DOLLAR);
  });

  test('a request that is none is refused, not repeated', async () => {
    await assert.rejects(purse('strict').reserve(line('', 1)), { name: 'WorkflowUpdateFailedError' });
  });
});
