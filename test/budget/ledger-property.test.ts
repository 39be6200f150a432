import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Ledger } from '../../src/budget/ledger.ts';
import type { BudgetFigures, LedgerView } from '../../src/budget/messages.ts';

/**
 * Jobs of a few runs over three months, whose reserves, settles, repeats, releases, raises and restarts come in any order.
 * Beside the ledger stand books that forget nothing: one row a job.
 */
const MONTHS = ['2026-11', '2026-12', '2027-01'] as const;
const BUDGET = { runNanos: 60, monthNanos: 100 };
const jobs = fc.record({ number: fc.nat(14), nanos: fc.nat(40), month: fc.nat(2) });
const operation = fc.oneof(
  { weight: 6, arbitrary: fc.record({ act: fc.constant('reserve' as const), job: jobs }) },
  { weight: 4, arbitrary: fc.record({ act: fc.constant('settle' as const), job: jobs }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('settle as reserved' as const), job: jobs }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('release' as const), job: jobs }) },
  {
    weight: 1,
    arbitrary: fc.record({ act: fc.constant('raise' as const), job: jobs, lower: fc.boolean(), run: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('restart' as const), job: jobs }) },
);

interface Row {
  run: string;
  reserved: { month: string; nanos: number } | null;
  /** Month and amount of each part. */
  settled: { month: string; nanos: number }[];
}

const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0);

class Books {
  readonly rows = new Map<string, Row>();

  row(jobId: string, run: string): Row {
    const row = this.rows.get(jobId) ?? { run, reserved: null, settled: [] };
    this.rows.set(jobId, row);
    return row;
  }

  of(belongs: (row: Row, month: string) => boolean): { spentNanos: number; reservedNanos: number } {
    const rows = [...this.rows.values()];
    const parts = rows.flatMap((row) => row.settled.filter(({ month }) => belongs(row, month)));
    const reserved = rows.filter((row) => row.reserved && belongs(row, row.reserved.month));
    return {
      spentNanos: sum(parts.map(({ nanos }) => nanos)),
      reservedNanos: sum(reserved.map((row) => row.reserved!.nanos)),
    };
  }
}

function accounts(view: LedgerView): Map<string, BudgetFigures> {
  return new Map([
    ...view.months.map((own): [string, BudgetFigures] => [own.month, own]),
    ...view.runs.map((own): [string, BudgetFigures] => [own.run, own]),
  ]);
}
const over = (own: BudgetFigures | undefined): boolean =>
  own !== undefined && own.limitNanos !== null && own.spentNanos + own.reservedNanos > own.limitNanos;

test('spent + reserved stays within every budget, unless a job came dearer than reserved', () => {
  let refused = 0;
  let overdrawn = 0;
  fc.assert(
    fc.property(fc.array(operation, { minLength: 1, maxLength: 120 }), (operations) => {
      let ledger = new Ledger('demo');
      const books = new Books();
      for (const step of operations) {
        const { number, nanos } = step.job;
        const month = MONTHS[step.job.month]!;
        const nowMs = Date.parse(`${month}-05T00:00:00Z`);
        const run = `run${number % 3}`;
        const jobId = `job${number}`;
        const line = { jobId, run, pair: `PAIR${number % 4}`, step: 'merge', kind: 'scan' } as const;
        const before = accounts(ledger.view());
        const row = books.row(jobId, run);
        /** Where something may grow beyond the budget: by a settle that nobody has reserved as much for. */
        let mayExceed = false;
        if (step.act === 'reserve') {
          const had = row.reserved;
          const answer = ledger.reserve({ ...line, nanos, budget: BUDGET }, nowMs);
          const paid = sum(row.settled.map((part) => part.nanos));
          const grows = paid === 0 && nanos > (had?.nanos ?? -1);
          if (!answer.granted) refused += 1;
          if (!grows) assert.ok(answer.granted, 'a repeat is granted');
          if (answer.granted && grows) {
            row.reserved = { month: had?.month ?? month, nanos };
            const after = accounts(ledger.view());
            for (const name of [run, row.reserved.month]) {
              assert.ok(!over(before.get(name)), `${name} was overdrawn, and another job was granted`);
              assert.ok(!over(after.get(name)), `${name} is overdrawn by a reservation`);
            }
          }
        } else if (step.act === 'settle' || step.act === 'settle as reserved') {
          const own = step.act === 'settle' ? nanos : (row.reserved?.nanos ?? 0);
          ledger.settle({ ...line, nanos: own }, nowMs);
          const paid = sum(row.settled.map((part) => part.nanos));
          if (row.settled.length === 0 || own > paid || row.reserved) {
            const added = Math.max(0, own - paid);
            mayExceed = added > (row.reserved?.nanos ?? 0);
            row.settled.push({ month: row.reserved?.month ?? month, nanos: added });
            row.reserved = null;
          }
        } else if (step.act === 'release') {
          assert.equal(ledger.release(line).released, row.reserved !== null);
          row.reserved = null;
        } else if (step.act === 'raise') {
          const request = { toNanos: 50 + nanos * 3, lower: step.lower, ...(step.run && { run }) };
          if (ledger.raiseProblem(request, nowMs) === null) ledger.raise(request, nowMs);
        } else {
          ledger = new Ledger('demo', JSON.parse(JSON.stringify(ledger.carry())) as ReturnType<Ledger['carry']>);
          assert.deepEqual(accounts(ledger.view()), before);
        }

        for (const [name, own] of accounts(ledger.view())) {
          const { spentNanos, reservedNanos } = own;
          const belongs = (other: Row, itsMonth: string): boolean => other.run === name || itsMonth === name;
          assert.deepEqual({ spentNanos, reservedNanos }, books.of(belongs), name);
          if (over(own)) {
            overdrawn += 1;
            assert.ok(
              mayExceed || over(before.get(name)) || before.get(name)?.limitNanos === null,
              `${name} is overdrawn`,
            );
          }
        }
        for (const own of ledger.view().runs) {
          assert.equal(sum(Object.values(own.kinds)), own.spentNanos);
          assert.equal(sum(own.pairs.map((pair) => pair.spentNanos)), own.spentNanos);
        }
      }
    }),
    { numRuns: 400 },
  );
  assert.ok(refused > 0 && overdrawn > 0, 'the limits were reached');
});

test('where no job comes dearer than reserved, no budget is ever exceeded', () => {
  fc.assert(
    fc.property(fc.array(operation, { minLength: 1, maxLength: 120 }), (operations) => {
      let ledger = new Ledger('demo');
      const reserved = new Map<string, number>();
      for (const { act, job } of operations) {
        const nowMs = Date.parse(`${MONTHS[job.month]!}-05T00:00:00Z`);
        const jobId = `job${job.number}`;
        const line = { jobId, run: `run${job.number % 3}`, pair: 'EURUSD', step: 'merge', kind: 'egress' } as const;
        if (act === 'reserve') {
          const answer = ledger.reserve({ ...line, nanos: job.nanos, budget: BUDGET }, nowMs);
          if (answer.granted) reserved.set(jobId, ledger.view().open.find((own) => own.jobId === jobId)?.nanos ?? 0);
        } else if (act === 'release') {
          if (ledger.release(line).released) reserved.delete(jobId);
        } else if (act === 'restart') {
          ledger = new Ledger('demo', ledger.carry());
        } else if (act !== 'raise' && ledger.view().open.some((own) => own.jobId === jobId)) {
          ledger.settle({ ...line, nanos: Math.min(job.nanos, reserved.get(jobId)!) }, nowMs);
        }
        for (const [name, own] of accounts(ledger.view())) assert.ok(!over(own), name);
      }
    }),
    { numRuns: 300 },
  );
});
