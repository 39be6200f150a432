import type { Client } from '@temporalio/client';
import type { LedgerView, OpenReservation, ReleaseAnswer } from '../budget/messages.ts';
import { BUDGET_MESSAGES, budgetWorkflowId } from '../contract.ts';
import { runId } from '../workflows/run-id.ts';
import { readLedger, withinLimit } from './budget.ts';
import { readInput, readMemo } from './describe-run.ts';
import { RunError } from './errors.ts';

/**
 * Frees what a run that has ended has left reserved, where nobody will settle it any more; `run` is its name in the books,
 * `<name>@<start>`. Returns what was freed. Throws RunError `notFound` where it has nothing reserved, `refused` while
 * it is open, and `noWorker`.
 */
export async function releaseRun(client: Client, project: string, run: string): Promise<OpenReservation[]> {
  const { open } = await readLedger(client, project);
  const own = open.filter((reservation) => reservation.run === run);
  if (own.length === 0) throw nothingReserved(project, run, open);
  if (await isOpen(client, run))
    throw new RunError(
      'refused',
      `run ${run} is open, and settles its jobs itself: let it end, or cancel it in Temporal's UI first`,
    );
  const handle = client.workflow.getHandle(budgetWorkflowId(project));
  const released: OpenReservation[] = [];
  for (const reservation of own) {
    const { jobId } = reservation;
    const answer = await withinLimit(client, 'the message waits for one, and a job may be released twice', () =>
      handle.executeUpdate<ReleaseAnswer, [{ jobId: string }]>(BUDGET_MESSAGES.release, { args: [{ jobId }] }),
    );
    if (answer.released) released.push(reservation);
  }
  return released;
}

function nothingReserved(project: string, run: string, open: LedgerView['open']): RunError {
  const runs = [...new Set(open.map((reservation) => reservation.run))];
  const others = runs.length === 0 ? 'no run has' : `these have: ${runs.slice(-5).join(', ')}`;
  return new RunError('notFound', `run ${run} has nothing reserved in project ${project}; ${others}`);
}

/** A newer run of the same name does not count: it has another start. */
async function isOpen(client: Client, run: string): Promise<boolean> {
  const name = run.replace(/@[^@]*$/, '');
  try {
    const { open, description } = await readMemo(client, name);
    if (!open) return false;
    const { carried } = await readInput(client, name);
    return runId(name, carried?.epoch ?? Math.floor(description.startTime.getTime() / 1000)) === run;
  } catch (error) {
    if (error instanceof RunError && error.reason === 'notFound') return false;
    throw error;
  }
}
