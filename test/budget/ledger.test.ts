import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Ledger } from '../../src/budget/ledger.ts';
import type { ReserveRequest } from '../../src/budget/messages.ts';
import { reserveProblem } from '../../src/budget/requests.ts';

const NOW = Date.parse('2026-11-23T12:00:00Z');
const NEXT_MONTH = Date.parse('2026-12-01T00:00:00Z');
const DOLLAR = 1e9;
const BUDGET = { runNanos: 10 * DOLLAR, monthNanos: 10 * DOLLAR };
const LABELS = { run: 'fx-1', pair: 'EURUSD', step: 'merge', kind: 'scan' } as const;

const job = (jobId: string, dollars: number, changes: Partial<ReserveRequest> = {}): ReserveRequest => ({
  ...{ jobId, ...LABELS, nanos: dollars * DOLLAR, budget: BUDGET },
  ...changes,
});
const figures = (ledger: Ledger, month = '2026-11') => {
  const found = ledger.view().months.find((own) => own.month === month)!;
  return [found.limitNanos, found.spentNanos, found.reservedNanos].map((nanos) => (nanos ?? 0) / DOLLAR);
};
const granted = (ledger: Ledger, request: ReserveRequest): boolean => ledger.reserve(request, NOW).granted;

suite('the ledger', () => {
  test('reserves up to the budget, and refuses what would be beyond it with its figures', () => {
    const ledger = new Ledger('demo');
    assert.ok(granted(ledger, job('a', 6)));
    ledger.settle(job('a', 5), NOW);
    assert.ok(granted(ledger, job('b', 4)));
    assert.deepEqual(figures(ledger), [10, 5, 4]);
    const answer = ledger.reserve(job('c', 1.5, { pair: 'GBPUSD', step: 'part 2 of 4' }), NOW);
    assert.deepEqual(answer, {
      granted: false,
      refusal: {
        type: 'BudgetExceeded',
        message:
          'the budget of project demo for 2026-11 is $10.00: spent $5.00, reserved $4.00, and scan of GBPUSD (part 2 of 4) ' +
          'would take up to $1.50; raise it with: widemerge budget demo --raise AMOUNT',
        ...{ scope: 'month', name: '2026-11', limitNanos: 10 * DOLLAR, spentNanos: 5 * DOLLAR },
        ...{ reservedNanos: 4 * DOLLAR, wantedNanos: 1.5 * DOLLAR },
      },
    });
    assert.equal(ledger.view().refusal?.name, '2026-11');
    assert.ok(granted(ledger, job('c', 1)), 'the last dollar');
    assert.equal(ledger.view().refusal, null);
  });

  test('takes the longest names that a run and a folder may have', () => {
    const request = job('a', 1, { run: `${'n'.repeat(100)}@2026-11-24T02:00:00Z`, pair: 'P'.repeat(255) });
    assert.equal(reserveProblem(request), null);
    assert.match(reserveProblem({ ...request, pair: 'P'.repeat(301) }) ?? '', /^pair: .* 1 to 300 characters/);
  });

  test('a budget of zero refuses even what is free', () => {
    const ledger = new Ledger('demo');
    const answer = ledger.reserve(job('a', 0, { budget: { runNanos: 0, monthNanos: 0 } }), NOW);
    assert.ok(!answer.granted);
    assert.match(
      answer.refusal.message,
      /^the budget of project demo for 2026-11 is \$0\.00: nothing may be spent; raise/,
    );
    assert.ok(ledger.raise({ toNanos: DOLLAR }, NOW).raised.length > 0);
    assert.ok(granted(ledger, job('a', 0)));
  });

  test('whatever is repeated changes nothing; of two amounts the higher one counts', () => {
    const ledger = new Ledger('demo');
    for (let i = 0; i < 2; i += 1) assert.ok(granted(ledger, job('a', 3)));
    assert.ok(granted(ledger, job('a', 2)));
    assert.deepEqual(figures(ledger), [10, 0, 3]);
    assert.ok(granted(ledger, job('a', 4)));
    assert.ok(!granted(ledger, job('a', 11)));
    assert.deepEqual(figures(ledger), [10, 0, 4], 'a reservation that cannot grow stays as it is');
    assert.equal(ledger.settle(job('a', 2), NOW).changed, true);
    assert.equal(ledger.settle(job('a', 2), NOW).changed, false);
    assert.equal(ledger.settle(job('a', 1), NOW).changed, false);
    assert.deepEqual(figures(ledger), [10, 2, 0]);
    assert.equal(ledger.settle(job('a', 5), NOW).changed, true);
    assert.deepEqual(figures(ledger), [10, 5, 0]);
    assert.deepEqual(ledger.reserve(job('a', 4), NOW), { granted: true, settled: true, warnings: [] });
    assert.deepEqual(figures(ledger), [10, 5, 0], 'a job that is paid reserves nothing');
    assert.equal(ledger.release(job('a', 0)).released, false);
    assert.deepEqual(figures(ledger), [10, 5, 0]);
  });

  test('a job that was never submitted is released; one that nobody reserved is counted', () => {
    const ledger = new Ledger('demo');
    ledger.reserve(job('a', 3), NOW);
    assert.equal(ledger.release({ jobId: 'a' }).released, true);
    assert.equal(ledger.release({ jobId: 'a' }).released, false);
    assert.deepEqual(figures(ledger), [10, 0, 0]);
    assert.deepEqual(ledger.settle(job('a', 2), NOW), { changed: true, unknown: true, warnings: [] });
    assert.deepEqual(ledger.settle(job('a', 2), NOW), { changed: false, unknown: false, warnings: [] });
    assert.deepEqual(figures(ledger), [10, 2, 0]);
    assert.equal(ledger.view().unknownJobs, 1);
    assert.equal(ledger.settle(job('free', 0), NOW).unknown, false, 'nobody has paid for it');
  });

  test('a job that has cost nothing may be submitted again, and must have room again', () => {
    const ledger = new Ledger('demo');
    ledger.reserve(job('a', 3), NOW);
    ledger.settle(job('a', 0), NOW);
    assert.deepEqual(ledger.reserve(job('a', 3), NOW), { granted: true, settled: false, warnings: [] });
    assert.deepEqual(figures(ledger), [10, 0, 3]);
    ledger.settle(job('a', 0), NOW);
    assert.deepEqual(figures(ledger), [10, 0, 0], 'a repeat frees what was reserved again');
    ledger.reserve(job('b', 9), NOW);
    assert.ok(!granted(ledger, job('a', 3)));
  });

  test('a job that comes dearer than reserved ends all granting until the budget is raised', () => {
    const ledger = new Ledger('demo');
    ledger.reserve(job('a', 3), NOW);
    ledger.settle(job('a', 12), NOW);
    assert.ok(!granted(ledger, job('b', 0)));
    assert.match(
      ledger.raiseProblem({ toNanos: 11 * DOLLAR }, NOW) ?? '',
      /less than what is spent and reserved, \$12\.00/,
    );
    ledger.raise({ toNanos: 13 * DOLLAR }, NOW);
    assert.ok(granted(ledger, job('b', 1)));
  });

  test('warns once at 50 and once at 80 %, again after a raise', () => {
    const ledger = new Ledger('demo');
    const warnings = (request: ReserveRequest): string[] => {
      const answer = ledger.reserve({ ...request, budget: { ...BUDGET, runNanos: 1000 * DOLLAR } }, NOW);
      return answer.granted ? answer.warnings : ['refused'];
    };
    assert.deepEqual(warnings(job('a', 4.9)), []);
    assert.deepEqual(warnings(job('b', 0.1)), [
      '50 % of the budget of project demo for 2026-11 ($10.00): spent $0.00, reserved $5.00',
    ]);
    ledger.release({ jobId: 'b' });
    assert.deepEqual(warnings(job('b', 0.1)), []);
    assert.equal(ledger.settle(job('b', 4), NOW).warnings.length, 1);
    assert.deepEqual(warnings(job('c', 0.5)), []);
    ledger.raise({ toNanos: 18 * DOLLAR }, NOW);
    assert.deepEqual(warnings(job('d', 0.5)), [], '54 % has been warned of');
    assert.equal(warnings(job('e', 6)).length, 1);
  });

  test('what is over by itself and was never settled counts as spent, also after a restart', () => {
    const HOUR = 3_600_000;
    let ledger = new Ledger('demo');
    const staging = job('a', 4, { kind: 'staging', expiresMs: NOW + HOUR });
    assert.ok(granted(ledger, staging));
    assert.ok(granted(ledger, { ...staging, expiresMs: NOW + 2 * HOUR }), 'asked for again: its time begins anew');
    ledger.reserve(job('b', 1, { kind: 'staging', expiresMs: NOW + HOUR }), NOW);
    ledger = new Ledger('demo', JSON.parse(JSON.stringify(ledger.carry())) as ReturnType<Ledger['carry']>);
    ledger.reserve(job('c', 2), NOW + HOUR);
    assert.deepEqual(figures(ledger), [10, 1, 6], 'b is over, a is not');
    ledger.reserve(job('d', 3), NEXT_MONTH);
    assert.deepEqual(figures(ledger), [10, 5, 2], 'in the month of its reservation');
    assert.equal(ledger.view().runs[0]!.kinds.staging, 5 * DOLLAR);
    assert.equal(ledger.view().unknownJobs, 0);
    assert.equal(ledger.settle({ ...staging, nanos: DOLLAR }, NEXT_MONTH).changed, false);

    ledger = new Ledger('demo');
    ledger.reserve(staging, NOW);
    ledger.settle({ ...staging, nanos: DOLLAR }, NOW + 3 * HOUR);
    assert.deepEqual(figures(ledger), [10, 1, 0], 'what is known is better than what was set aside');
    for (const expiresMs of [-1, 0.5, NaN, '1'])
      assert.match(reserveProblem({ ...staging, expiresMs }) ?? '', /^expiresMs/, String(expiresMs));
  });

  test('each month and each run has a budget of its own; a job belongs to the month of its reservation', () => {
    const ledger = new Ledger('demo');
    ledger.reserve(job('a', 8), NOW);
    ledger.settle(job('a', 7), NEXT_MONTH);
    assert.deepEqual(figures(ledger, '2026-11'), [10, 7, 0]);
    const answer = ledger.reserve(job('b', 4), NEXT_MONTH);
    assert.ok(!answer.granted);
    assert.equal(answer.refusal.name, 'fx-1', 'the run goes on over the turn of the month');
    assert.match(answer.refusal.message, /of run fx-1 in project demo is .*--raise AMOUNT --run fx-1$/);
    assert.ok(ledger.reserve(job('b', 4, { run: 'fx-2' }), NEXT_MONTH).granted);
    assert.deepEqual(figures(ledger, '2026-12'), [10, 0, 4]);
  });

  test('a raise sets the month and the runs in it that have less, or one run; lower only where it is asked for', () => {
    const ledger = new Ledger('demo');
    ledger.reserve(job('a', 1), NOW);
    ledger.reserve(job('b', 1, { run: 'big', budget: { runNanos: 90 * DOLLAR, monthNanos: 1 } }), NOW);
    const to = (dollars: number, more = {}) => ({ toNanos: dollars * DOLLAR, ...more });
    assert.deepEqual(ledger.raise(to(50), NOW).raised, [
      { scope: 'month', name: '2026-11', fromNanos: 10 * DOLLAR, toNanos: 50 * DOLLAR },
      { scope: 'run', name: 'fx-1', fromNanos: 10 * DOLLAR, toNanos: 50 * DOLLAR },
    ]);
    assert.match(ledger.raiseProblem(to(20), NOW) ?? '', /less than the present budget, \$50\.00/);
    assert.equal(ledger.raise(to(20, { lower: true }), NOW).raised.length, 1);
    assert.match(ledger.raiseProblem(to(1, { lower: true }), NOW) ?? '', /spent and reserved, \$2\.00/);
    assert.equal(ledger.raise(to(60, { run: 'fx-1' }), NOW).raised[0]!.name, 'fx-1');
    assert.match(ledger.raiseProblem(to(60, { run: 'fx' }), NOW) ?? '', /has no run fx; the latest: big, fx-1/);
    for (const toNanos of [0, -1, 0.5, NaN, Infinity, 1e16, '5', null])
      assert.notEqual(ledger.raiseProblem({ toNanos } as { toNanos: number }, NOW), null, String(toNanos));
    assert.throws(() => ledger.raise(to(0), NOW), RangeError);
  });

  test('stays far below the 2 MB of a payload, whatever comes', () => {
    let ledger = new Ledger('demo');
    const budget = { runNanos: 1e15, monthNanos: 1e15 };
    for (let i = 0; i < 60_000; i += 1) {
      const request = job(`widemerge-${'0'.repeat(40)}-${i}`, 0.123456789, {
        run: `run${i % 300}`,
        pair: `PAIR${i}`,
        budget,
      });
      ledger.reserve(request, NOW);
      ledger.settle(request, NOW);
    }
    for (let i = 0; i < 3_000; i += 1) ledger.reserve(job(`widemerge-${'1'.repeat(40)}-${i}`, 0.1, { budget }), NOW);
    const text = JSON.stringify(ledger.carry());
    assert.ok(text.length < 1_600_000, `${text.length} bytes`);
    assert.ok(JSON.stringify(ledger.view()).length < 1_000_000);
    ledger = new Ledger('demo', JSON.parse(text) as ReturnType<Ledger['carry']>);
    assert.equal(JSON.stringify(ledger.carry()), text);
    assert.equal(ledger.view().open.length, 2_000);
    assert.equal(ledger.view().months[0]!.spentNanos, 60_000 * 123_456_789, 'sums survive what is forgotten');
    assert.equal(ledger.view().runs.length, 100);
    const late = job(`widemerge-${'0'.repeat(40)}-59999`, 0.123456789, { run: 'run299' });
    assert.equal(ledger.settle(late, NOW).changed, false);
  });
});
