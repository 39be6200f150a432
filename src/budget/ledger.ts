/**
 * The books of a project: what jobs may spend, have reserved and have spent, by month and by run. Pure: the time comes
 * with each call, and amounts are whole nano-dollars (messages.ts).
 *
 * The invariant: a reservation is granted only where spent + reserved stays within the run's and the month's budget. So
 * as long as no job comes dearer than it was reserved for, the budget is kept; where one does, no other is granted
 * until the sum is within the budget again.
 *
 * Every call may be repeated, and come late: jobs are known by their ids. Where two callers name different amounts for
 * one job, the higher one counts. A job belongs to the UTC month of its reservation, whenever it is settled; what was
 * never reserved, or is settled again with more, belongs to the month of that call.
 */
import { Account, refusalOf, warningOf } from './account.ts';
import type { AccountName } from './account.ts';
import type { CarriedLedger } from './carried-ledger.ts';
import type * as messages from './messages.ts';
import type { LineLabels, OpenReservation } from './messages.ts';
import { formatDollars } from './money.ts';
import { monthOf } from './month.ts';
import { RunAccount } from './run-account.ts';
import { SettledJobs } from './settled-jobs.ts';
import { raiseShapeProblem } from './requests.ts';

/** A job is on for hours at most; so many at once are a fault of whoever reserves. */
const OPEN_AT_MOST = 2_000;
const RUNS_KEPT = 100;
const MONTHS_KEPT = 36;
/** Of all runs together; the oldest run's go first, its sums stay. */
const PAIRS_KEPT = 5_000;

export class Ledger {
  readonly project: string;
  private readonly months = new Map<string, Account>();
  /** In the order of their last use. */
  private readonly runs = new Map<string, RunAccount>();
  private readonly open = new Map<string, OpenReservation>();
  private readonly settled: SettledJobs;
  private unknownJobs = 0;
  private refusal: messages.BudgetRefusal | null = null;

  constructor(project: string, carried?: CarriedLedger) {
    this.project = project;
    this.settled = new SettledJobs(carried?.settled);
    if (!carried) return;
    for (const [month, ...figures] of carried.months) this.months.set(month, new Account(...figures));
    for (const run of carried.runs) this.runs.set(run.run, RunAccount.restore(run));
    for (const reservation of carried.open) {
      this.open.set(reservation.jobId, reservation);
      for (const account of this.accountsOf(reservation)) account.reservedNanos += reservation.nanos;
    }
    this.unknownJobs = carried.unknownJobs;
    this.refusal = carried.refusal;
  }

  carry(): CarriedLedger {
    return {
      months: Array.from(this.months, ([month, own]) => [month, own.limitNanos, own.spentNanos, own.warnedPercent]),
      runs: Array.from(this.runs, ([run, account]) => account.carry(run)),
      open: [...this.open.values()],
      settled: this.settled.pack(),
      unknownJobs: this.unknownJobs,
      refusal: this.refusal,
    };
  }

  /** Before a job is submitted. `nowMs` is the caller's clock, as in all of these. */
  reserve(request: messages.ReserveRequest, nowMs: number): messages.ReserveAnswer {
    this.bookExpired(nowMs);
    const { jobId, nanos, budget } = request;
    // One that has cost nothing may never have been accepted, and be submitted again under its id: it must have room.
    if ((this.settled.get(jobId) ?? 0) > 0) return { granted: true, settled: true, warnings: [] };
    const known = this.open.get(jobId);
    const labels = known ?? labelsOf(request);
    const month = known?.month ?? monthOf(nowMs);
    const [monthly, run] = this.accounts(labels.run, month);
    monthly.limitNanos ??= budget.monthNanos;
    run.limitNanos ??= budget.runNanos;
    const moreNanos = known ? nanos - known.nanos : nanos;
    const expiresMs = laterOf(known?.expiresMs, request.expiresMs);
    if (known && moreNanos <= 0) {
      if (expiresMs !== undefined) known.expiresMs = expiresMs;
      return { granted: true, settled: false, warnings: [] };
    }

    const what = `${request.kind} of ${request.pair} (${request.step})`;
    const full = this.open.size >= OPEN_AT_MOST && !known;
    for (const [name, account] of this.named(labels.run, month)) {
      if (!full && account.hasRoom(moreNanos)) continue;
      this.refusal = refusalOf(name, account, moreNanos, what);
      if (full)
        this.refusal.message = `${OPEN_AT_MOST} jobs have reservations in project ${this.project}: ${what} must wait until one is settled`;
      return { granted: false, refusal: this.refusal };
    }
    for (const account of [monthly, run]) account.reservedNanos += moreNanos;
    this.open.set(jobId, { jobId, ...labelsOf(labels), month, nanos, ...(expiresMs !== undefined && { expiresMs }) });
    this.refusal = null;
    return { granted: true, settled: false, warnings: this.warnings(labels.run, month) };
  }

  /** When the job's real cost is known; what it was reserved for is free again. */
  settle(request: messages.SettleRequest, nowMs: number): messages.SettleAnswer {
    this.bookExpired(nowMs, request.jobId);
    return this.book(request, nowMs);
  }

  /** What is over by itself, and was never settled, has cost what was set aside for it: its pair ended in another way. */
  private bookExpired(nowMs: number, exceptJobId?: string): void {
    for (const reservation of [...this.open.values()]) {
      const isOver = reservation.expiresMs !== undefined && reservation.expiresMs <= nowMs;
      if (isOver && reservation.jobId !== exceptJobId) this.book(reservation, nowMs);
    }
  }

  private book(request: messages.SettleRequest, nowMs: number): messages.SettleAnswer {
    const { jobId, nanos } = request;
    const before = this.settled.get(jobId);
    const reservation = this.open.get(jobId);
    const addedNanos = Math.max(0, nanos - (before ?? 0));
    if (before !== undefined && !reservation && addedNanos === 0)
      return { changed: false, unknown: false, warnings: [] };
    const labels = reservation ?? request;
    const month = reservation?.month ?? monthOf(nowMs);
    const [monthly, run] = this.accounts(labels.run, month);
    for (const account of [monthly, run]) account.reservedNanos -= reservation?.nanos ?? 0;
    monthly.spentNanos += addedNanos;
    run.spend(labels.pair, labels.kind, addedNanos);
    this.open.delete(jobId);
    this.settled.set(jobId, (before ?? 0) + addedNanos);
    const unknown = before === undefined && reservation === undefined && nanos > 0;
    if (unknown) this.unknownJobs += 1;
    this.forgetPairs();
    return { changed: true, unknown, warnings: this.warnings(labels.run, month) };
  }

  /** For a job that was never submitted. */
  release({ jobId }: messages.ReleaseRequest): messages.ReleaseAnswer {
    const reservation = this.open.get(jobId);
    if (!reservation) return { released: false };
    for (const account of this.accountsOf(reservation)) account.reservedNanos -= reservation.nanos;
    this.open.delete(jobId);
    return { released: true };
  }

  /** Why the budget cannot be set to this, as one line; null where it can. */
  raiseProblem(request: messages.RaiseRequest, nowMs: number): string | null {
    const problem = raiseShapeProblem(request);
    if (problem !== null) return problem;
    const { run, toNanos, lower } = request;
    if (run !== undefined && !this.runs.has(run)) {
      const newest = [...this.runs.keys()].slice(-5).toReversed().join(', ');
      return `project ${this.project} has no run ${run}; ${newest === '' ? 'none has reserved anything' : `the latest: ${newest}`}`;
    }
    const account = run === undefined ? this.months.get(monthOf(nowMs)) : this.runs.get(run);
    if (!account) return null;
    if (toNanos < account.committedNanos)
      return `${formatDollars(toNanos)} is less than what is spent and reserved, ${formatDollars(account.committedNanos)}`;
    if (account.limitNanos !== null && toNanos < account.limitNanos && lower !== true)
      return `${formatDollars(toNanos)} is less than the present budget, ${formatDollars(account.limitNanos)}; a lower one must be asked for (--lower)`;
    return null;
  }

  /** Sets a budget to an absolute amount, as the request says whose. Throws a RangeError of `raiseProblem`. */
  raise(request: messages.RaiseRequest, nowMs: number): messages.RaiseAnswer {
    const problem = this.raiseProblem(request, nowMs);
    if (problem !== null) throw new RangeError(problem);
    const { run, toNanos } = request;
    const month = monthOf(nowMs);
    const raised: messages.RaiseAnswer['raised'] = [];
    const set = (scope: 'run' | 'month', name: string, account: Account): void => {
      raised.push({ scope, name, fromNanos: account.limitNanos, toNanos });
      account.limitNanos = toNanos;
      account.warnedPercent = Math.min(account.warnedPercent, account.reachedPercent());
    };
    if (run === undefined) {
      set('month', month, this.month(month));
      for (const [name, own] of this.runs)
        if (own.month === month && own.limitNanos !== null && own.limitNanos < toNanos) set('run', name, own);
    } else {
      set('run', run, this.runs.get(run)!);
    }
    // Whether there is room now shows at the next reservation.
    this.refusal = null;
    return { month, raised };
  }

  view(): messages.LedgerView {
    return {
      project: this.project,
      months: Array.from(this.months, ([month, account]) => ({ month, ...account.figures() })),
      runs: Array.from(this.runs, ([run, account]) => account.view(run)),
      open: [...this.open.values()],
      unknownJobs: this.unknownJobs,
      refusal: this.refusal,
    };
  }

  private accountsOf({ run, month }: OpenReservation): Account[] {
    return [this.month(month), this.run(run, month)];
  }

  /** For a use of them, the run's latest; what has not been used for long is forgotten. */
  private accounts(run: string, month: string): [Account, RunAccount] {
    const monthly = this.month(month);
    const own = this.run(run, month);
    if (month > own.month) own.month = month;
    this.runs.delete(run);
    this.runs.set(run, own);
    for (const [name, { reservedNanos }] of this.runs)
      if (this.runs.size > RUNS_KEPT && reservedNanos === 0 && name !== run) this.runs.delete(name);
    for (const [name, { reservedNanos }] of this.months)
      if (this.months.size > MONTHS_KEPT && reservedNanos === 0 && name !== month) this.months.delete(name);
    return [monthly, own];
  }

  private month(month: string): Account {
    const known = this.months.get(month);
    if (known) return known;
    const account = new Account(null, 0, 0);
    this.months.set(month, account);
    return account;
  }

  private run(run: string, month: string): RunAccount {
    const known = this.runs.get(run);
    if (known) return known;
    const account = new RunAccount(null, 0, 0, month);
    this.runs.set(run, account);
    return account;
  }

  private named(run: string, month: string): [AccountName, Account][] {
    const { project } = this;
    return [
      [{ scope: 'month', name: month, project }, this.month(month)],
      [{ scope: 'run', name: run, project }, this.run(run, month)],
    ];
  }

  /** Of the accounts that have reached a threshold for the first time. */
  private warnings(run: string, month: string): string[] {
    return this.named(run, month).flatMap(([name, account]) => {
      const reached = account.reachedPercent();
      if (reached <= account.warnedPercent) return [];
      account.warnedPercent = reached;
      return [warningOf(name, account)];
    });
  }

  private forgetPairs(): void {
    let kept = 0;
    for (const account of this.runs.values()) kept += account.pairCount;
    for (const account of this.runs.values()) {
      if (kept <= PAIRS_KEPT) return;
      kept -= account.forgetPairs(kept - PAIRS_KEPT);
    }
  }
}

function labelsOf({ run, pair, step, kind }: LineLabels): LineLabels {
  return { run, pair, step, kind };
}

const laterOf = (known: number | undefined, asked: number | undefined): number | undefined =>
  asked === undefined ? known : Math.max(known ?? asked, asked);
