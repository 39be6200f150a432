import { Account } from './account.ts';
import type { CarriedRunAccount } from './carried-ledger.ts';
import type { LineKind, RunView } from './messages.ts';

/** A run's account, with what was spent on what. */
export class RunAccount extends Account {
  /** Of its latest use. */
  month: string;
  private kinds: Record<LineKind, number> = { scan: 0, 'storage-read': 0, staging: 0, egress: 0 };
  private readonly pairs = new Map<string, number>();

  constructor(limitNanos: number | null, spentNanos: number, warnedPercent: number, month: string) {
    super(limitNanos, spentNanos, warnedPercent);
    this.month = month;
  }

  static restore({ limit, spent, warned, month, kinds, pairs }: CarriedRunAccount): RunAccount {
    const account = new RunAccount(limit, spent, warned, month);
    account.kinds = { ...kinds };
    for (const [pair, nanos] of pairs) account.pairs.set(pair, nanos);
    return account;
  }

  carry(run: string): CarriedRunAccount {
    const { month, limitNanos: limit, spentNanos: spent, warnedPercent: warned, kinds } = this;
    return { run, month, limit, spent, warned, kinds: { ...kinds }, pairs: [...this.pairs] };
  }

  spend(pair: string, kind: LineKind, nanos: number): void {
    this.spentNanos += nanos;
    this.kinds[kind] += nanos;
    this.pairs.set(pair, (this.pairs.get(pair) ?? 0) + nanos);
  }

  get pairCount(): number {
    return this.pairs.size;
  }

  /** Forgets what so many pairs have taken, the first ones; the sums stay. Returns how many it had of them. */
  forgetPairs(count: number): number {
    const forgotten = [...this.pairs.keys()].slice(0, count);
    for (const pair of forgotten) this.pairs.delete(pair);
    return forgotten.length;
  }

  view(run: string): RunView {
    const pairs = Array.from(this.pairs, ([pair, spentNanos]) => ({ pair, spentNanos }));
    return { run, ...this.figures(), kinds: { ...this.kinds }, pairs };
  }
}
