import type { BudgetBooks } from '../../src/backends/bigquery-purse.ts';
import type { Ledger } from '../../src/budget/ledger.ts';

/** A ledger as those who spend see it, without the workflow that keeps it. */
export const ledgerBooks = (ledger: Ledger, now: () => number = Date.now): BudgetBooks => ({
  reserve: (_, request) => Promise.resolve(ledger.reserve(request, now())),
  settle: (_, request) => Promise.resolve(ledger.settle(request, now())),
  open: () => Promise.resolve(ledger.view().open),
});
