import { defineQuery, defineUpdate } from '@temporalio/workflow';
import type * as budget from '../budget/messages.ts';
import { BUDGET_MESSAGES } from '../contract.ts';

/** Updates and the query of the budget's workflow. */
export const reserve = defineUpdate<budget.ReserveAnswer, [budget.ReserveRequest]>(BUDGET_MESSAGES.reserve);
export const settle = defineUpdate<budget.SettleAnswer, [budget.SettleRequest]>(BUDGET_MESSAGES.settle);
export const release = defineUpdate<budget.ReleaseAnswer, [budget.ReleaseRequest]>(BUDGET_MESSAGES.release);
export const raise = defineUpdate<budget.RaiseAnswer, [budget.RaiseRequest]>(BUDGET_MESSAGES.raise);
export const ledger = defineQuery<budget.LedgerView>(BUDGET_MESSAGES.ledger);
