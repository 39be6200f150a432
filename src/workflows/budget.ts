import {
  allHandlersFinished,
  ApplicationFailure,
  condition,
  continueAsNew,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { RaiseRequest } from '../budget/messages.ts';
import { Ledger } from '../budget/ledger.ts';
import { releaseProblem, reserveProblem, settleProblem } from '../budget/requests.ts';
import * as messages from './budget-messages.ts';
import { describeBudget } from './budget-details.ts';
import type { BudgetInput } from './inputs.ts';

/** The server takes 2,000 updates a run. Open budgets replay by this number: another one needs `patched`. */
const UPDATES_PER_RUN = 500;

/**
 * The one owner of a project's budget: it never ends, and its updates come one after the other, so that two pairs can
 * not both take the last dollar. Validators refuse what is no request at all, which leaves no trace in the history; a
 * refusal for want of money is an answer. A server delivers an update again after a continue-as-new, whatever its id:
 * the ledger, which is carried, knows the jobs.
 */
export async function budget({ project, carried, updatesPerRun = UPDATES_PER_RUN }: BudgetInput): Promise<void> {
  const ledger = new Ledger(project, carried);
  let updates = 0;
  const show = (): void => setCurrentDetails(describeBudget(ledger.view()));
  /** The workflow's clock: it does not go by the wall's. */
  const count = <T>(answer: (nowMs: number) => T): T => {
    updates += 1;
    const result = answer(Date.now());
    show();
    return result;
  };

  setHandler(messages.reserve, (request) => count((nowMs) => ledger.reserve(request, nowMs)), {
    validator: (request) => refuse(reserveProblem(request)),
  });
  setHandler(messages.settle, (request) => count((nowMs) => ledger.settle(request, nowMs)), {
    validator: (request) => refuse(settleProblem(request)),
  });
  setHandler(messages.release, (request) => count(() => ledger.release(request)), {
    validator: (request) => refuse(releaseProblem(request)),
  });
  setHandler(
    messages.raise,
    (request) =>
      count((nowMs) => {
        // Something may have been reserved since the validator has looked.
        refuse(ledger.raiseProblem(request, nowMs));
        return ledger.raise(request, nowMs);
      }),
    { validator: (request: RaiseRequest) => refuse(ledger.raiseProblem(request, Date.now())) },
  );
  setHandler(messages.ledger, () => ledger.view());
  show();

  await condition(() => updates >= updatesPerRun || workflowInfo().continueAsNewSuggested);
  await condition(allHandlersFinished);
  await continueAsNew<typeof budget>({ project, carried: ledger.carry(), updatesPerRun });
}

function refuse(problem: string | null): void {
  if (problem !== null) throw ApplicationFailure.nonRetryable(problem, 'ConfigInvalid');
}
