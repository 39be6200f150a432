/**
 * The money of one pair as this room sees it: a line is set aside before what costs it is begun, and settled by its real
 * cost. Whoever calls this room keeps the books behind it.
 */
import type { LineKind } from '../budget/messages.ts';

export interface PurseLine {
  /** Deterministic: the same logical step under the same id. */
  jobId: string;
  /** e.g. `merge part 2 of 4`. */
  step: string;
  kind: LineKind;
  /** Nano-dollars (1e-9 $), a whole number. */
  nanos: number;
  /** With a reservation of what is over by itself, when that is: it counts as spent from then on. Milliseconds since 1970. */
  expiresMs?: number;
}

export interface Purse {
  /**
   * Sets aside the most that a line can cost; `settled` where it has been paid before. Throws BudgetRefused where it would
   * be beyond the budget: nothing may be submitted then.
   */
  reserve(line: PurseLine): Promise<{ settled: boolean }>;
  /** Books the real cost. */
  settle(line: PurseLine): Promise<void>;
  /** What is set aside for the pair in this run, and not settled. */
  open(): Promise<PurseLine[]>;
}

/** The budget does not have the money; `message` has the figures, and what to do. */
export class BudgetRefused extends Error {
  readonly type = 'BudgetExceeded';
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = this.type;
  }
}

/** Dollars as whole nano-dollars; a part of one counts in full. */
export const nanosOf = (dollars: number): number => Math.ceil(dollars * 1e9);
