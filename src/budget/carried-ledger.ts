import type { BudgetRefusal, LineKind, OpenReservation } from './messages.ts';

/** A ledger between two parts of its workflow: plain JSON, well below the 2 MB of a payload. Reserved sums follow from `open`. */
export interface CarriedLedger {
  /** Month, budget, spent, percent that was warned of. */
  months: [string, number | null, number, number][];
  runs: CarriedRunAccount[];
  open: OpenReservation[];
  /** SettledJobs.pack */
  settled: string;
  unknownJobs: number;
  refusal: BudgetRefusal | null;
}

export interface CarriedRunAccount {
  run: string;
  month: string;
  limit: number | null;
  spent: number;
  warned: number;
  kinds: Record<LineKind, number>;
  pairs: [string, number][];
}
