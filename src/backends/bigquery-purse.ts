import { BudgetRefused, type Purse, type PurseLine } from '../bigquery/purse.ts';
import type { ReserveAnswer, ReserveRequest, SettleAnswer, SettleRequest } from '../budget/messages.ts';

/** The books of projects. Calls wait for whoever keeps them; they reject with the signal's reason, or for a request that is none. */
export interface BudgetBooks {
  reserve(project: string, request: ReserveRequest, signal?: AbortSignal): Promise<ReserveAnswer>;
  /** Goes on for a while after an abort: what has been spent should be known. */
  settle(project: string, request: SettleRequest, signal?: AbortSignal): Promise<SettleAnswer>;
  /** What is reserved and not settled, oldest first. */
  open(project: string, signal?: AbortSignal): Promise<SettleRequest[]>;
}

export interface PurseOwner {
  books: BudgetBooks;
  project: string;
  run: string;
  pair: string;
  /** Name of the run as the command line knows it. */
  runName: string;
  /** Configured for the run, and for a month that has no budget yet; nano-dollars. */
  budgetNanos: number;
  signal?: AbortSignal;
  onWarning?: (warning: string) => void;
}

/** The money of one pair's step, over the project's books. */
export class PairPurse implements Purse {
  /** What the books have warned of: half of a budget, or more, is gone. */
  readonly warnings: string[] = [];
  /** Sum of what has been settled here. */
  settledNanos = 0;
  readonly #owner: PurseOwner;

  constructor(owner: PurseOwner) {
    this.#owner = owner;
  }

  async reserve(line: PurseLine): Promise<{ settled: boolean }> {
    const { books, project, runName, pair, budgetNanos, signal } = this.#owner;
    const budget = { runNanos: budgetNanos, monthNanos: budgetNanos };
    const answer = await books.reserve(project, { ...this.#labelled(line), budget }, signal);
    if (!answer.granted) throw new BudgetRefused(`${answer.refusal.message}, then: widemerge retry ${runName} ${pair}`);
    this.#warn(answer.warnings);
    return { settled: answer.settled };
  }

  async settle(line: PurseLine): Promise<void> {
    const { books, project, signal } = this.#owner;
    const { warnings } = await books.settle(project, this.#labelled(line), signal);
    this.#warn(warnings);
    this.settledNanos += line.nanos;
  }

  async open(): Promise<PurseLine[]> {
    const { books, project, run, pair, signal } = this.#owner;
    const lines = await books.open(project, signal);
    return lines.filter((line) => line.run === run && line.pair === pair);
  }

  #warn(warnings: string[]): void {
    this.warnings.push(...warnings);
    for (const warning of warnings) this.#owner.onWarning?.(warning);
  }

  #labelled(line: PurseLine): SettleRequest {
    const { run, pair } = this.#owner;
    return { ...line, run, pair };
  }
}
