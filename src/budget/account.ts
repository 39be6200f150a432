import type { BudgetFigures, BudgetRefusal } from './messages.ts';
import { formatDollars } from './money.ts';

/** What there is to spend in a month, or in a run, and what has become of it; nano-dollars. */
export class Account {
  limitNanos: number | null;
  spentNanos: number;
  reservedNanos = 0;

  /** The highest threshold that has been warned of. */
  warnedPercent: number;

  constructor(limitNanos: number | null, spentNanos: number, warnedPercent: number) {
    this.limitNanos = limitNanos;
    this.spentNanos = spentNanos;
    this.warnedPercent = warnedPercent;
  }

  /** Spent, and promised to jobs that are on. */
  get committedNanos(): number {
    return this.spentNanos + this.reservedNanos;
  }

  /** True where there is room for the amount. A budget of zero has none, not even for a job that is free. */
  hasRoom(nanos: number): boolean {
    return this.limitNanos !== null && this.limitNanos > 0 && this.committedNanos + nanos <= this.limitNanos;
  }

  figures(): BudgetFigures {
    return { limitNanos: this.limitNanos, spentNanos: this.spentNanos, reservedNanos: this.reservedNanos };
  }

  /** The highest of the thresholds that has been reached, in percent; 0 for none. */
  reachedPercent(): number {
    const limit = this.limitNanos;
    if (limit === null || limit === 0) return 0;
    return WARN_AT_PERCENT.findLast((percent) => this.committedNanos / limit >= percent / 100) ?? 0;
  }
}

const WARN_AT_PERCENT = [50, 80];

export interface AccountName {
  scope: 'run' | 'month';
  name: string;
  project: string;
}

/** What the account says when it has passed a threshold. */
export function warningOf({ scope, name, project }: AccountName, account: Account): string {
  const { limitNanos, spentNanos, reservedNanos } = account;
  const percent = Math.floor((account.committedNanos / (limitNanos ?? 1)) * 100);
  const figures = `spent ${formatDollars(spentNanos)}, reserved ${formatDollars(reservedNanos)}`;
  return `${percent} % of the budget of ${place(scope, name, project)} (${formatDollars(limitNanos ?? 0)}): ${figures}`;
}

/** Why the account has no room for a job (`what`). */
export function refusalOf(
  { scope, name, project }: AccountName,
  account: Account,
  wantedNanos: number,
  what: string,
): BudgetRefusal {
  const { spentNanos, reservedNanos } = account;
  const limitNanos = account.limitNanos ?? 0;
  const budget = `the budget of ${place(scope, name, project)} is ${formatDollars(limitNanos)}`;
  const state =
    limitNanos === 0
      ? 'nothing may be spent'
      : `spent ${formatDollars(spentNanos)}, reserved ${formatDollars(reservedNanos)}, ` +
        `and ${what} would take up to ${formatDollars(wantedNanos)}`;
  const advice = `raise it with: widemerge budget ${project} --raise AMOUNT${scope === 'run' ? ` --run ${name}` : ''}`;
  return {
    type: 'BudgetExceeded',
    message: `${budget}: ${state}; ${advice}`,
    ...{ scope, name, limitNanos, spentNanos, reservedNanos, wantedNanos },
  };
}

function place(scope: 'run' | 'month', name: string, project: string): string {
  return scope === 'run' ? `run ${name} in project ${project}` : `project ${project} for ${name}`;
}
