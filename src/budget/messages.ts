/**
 * What is said to a budget, and what it answers: plain JSON. Amounts are nano-dollars (1e-9 $), whole numbers: the least
 * that BigQuery bills, 10 MB of a scan, is 59,605 of them, and a million dollars are 1e15, well within 2^53.
 */

/** Kinds of a line of the bill. */
export const LINE_KINDS = ['scan', 'storage-read', 'staging', 'egress'] as const;
export type LineKind = (typeof LINE_KINDS)[number];

/** What a job is for; at most 300 characters each. */
export interface LineLabels {
  /** Minted once a run and carried, so that the next run of the same name has a budget of its own. */
  run: string;
  pair: string;
  /** e.g. `merge part 2 of 4`. */
  step: string;
  kind: LineKind;
}

export interface ReserveRequest extends LineLabels {
  /** Deterministic, as DESIGN has it: the same logical step under the same id. At most 200 characters. */
  jobId: string;
  /** The most that the job can cost; with `maximumBytesBilled` beside it that is a promise. */
  nanos: number;
  /**
   * The budgets as configured, nano-dollars: they count when the run's and the month's first reservation comes; from
   * then on `raise` alone changes them.
   */
  budget: { runNanos: number; monthNanos: number };
  /**
   * Of what costs by the time it lasts: when it is over by itself, milliseconds since 1970. A reservation that nobody has
   * settled by then counts as spent, in full. A later time counts where the reservation is asked for again.
   */
  expiresMs?: number;
}

export interface SettleRequest extends LineLabels {
  jobId: string;
  /** The job's real cost, by its bytes billed; 0 for one that has cost nothing. */
  nanos: number;
}

/** For a job that was never submitted. One that may have been is settled. */
export interface ReleaseRequest {
  jobId: string;
}

export interface RaiseRequest {
  /** The new budget: an absolute amount. */
  toNanos: number;
  /** Only this run's; else the month's, and that of every run of this month that has less. */
  run?: string;
  /** A lower amount than the present one is meant. */
  lower?: boolean;
}

/** The answer to `reserve`: the job may be submitted, or it would be beyond the budget. */
export type ReserveAnswer =
  /** `settled`: the job has run and was billed, so nothing was reserved: find it instead of submitting it. */
  { granted: true; settled: boolean; warnings: string[] } | { granted: false; refusal: BudgetRefusal };

export interface BudgetRefusal {
  type: 'BudgetExceeded';
  /** One line: figures, and what to do. */
  message: string;
  scope: 'run' | 'month';
  /** The run's, or the month as `2026-11`. */
  name: string;
  limitNanos: number;
  spentNanos: number;
  reservedNanos: number;
  wantedNanos: number;
}

export interface SettleAnswer {
  /** False where nothing was reserved, and the job had been settled with this amount or more. */
  changed: boolean;
  /** True where the job has cost something, and the ledger knew nothing of it: it is counted all the same. */
  unknown: boolean;
  warnings: string[];
}

export interface ReleaseAnswer {
  /** False where nothing was reserved for the job. */
  released: boolean;
}

export interface RaiseAnswer {
  month: string;
  /** What the budgets were, and are now. */
  raised: { scope: 'run' | 'month'; name: string; fromNanos: number | null; toNanos: number }[];
}

/** Of a month, or of a run. */
export interface BudgetFigures {
  /** Null until a first reservation or a raise has set it. */
  limitNanos: number | null;
  spentNanos: number;
  reservedNanos: number;
}

export interface OpenReservation extends LineLabels {
  jobId: string;
  /** Of the reservation. */
  month: string;
  nanos: number;
  /** As in the request. */
  expiresMs?: number;
}

/** The answer to the query `ledger`. */
export interface LedgerView {
  project: string;
  /** Oldest first; names are UTC months, `2026-11`. */
  months: ({ month: string } & BudgetFigures)[];
  /** The least recently used first. */
  runs: RunView[];
  /** Reserved and not settled yet, oldest first. */
  open: OpenReservation[];
  /** Jobs that were settled without a reservation. */
  unknownJobs: number;
  /** The latest refusal, until a later reservation is granted. */
  refusal: BudgetRefusal | null;
}

export interface RunView extends BudgetFigures {
  run: string;
  /** Spent, by kind of line. */
  kinds: Record<LineKind, number>;
  /** Spent, by pair; of a run of long ago only the sums are kept. */
  pairs: { pair: string; spentNanos: number }[];
}
