import { ApplicationFailure, cancellationSignal, CancelledFailure, CompleteAsyncError } from '@temporalio/activity';
import { MergeError } from '../backends/backend.ts';
import { BigQueryError } from '../bigquery/error-reasons.ts';
import { BudgetRefused } from '../bigquery/purse.ts';
import type { FailureFacts } from '../payloads.ts';
import { MergeFailure } from '../merge/errors.ts';

/**
 * The one place where errors of the rooms become failures of Temporal: typed, never retried by the server, because the
 * workflow routes them. Cancellation is passed on untouched, so that the server sees a cancelled attempt.
 */
export async function typed<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toFailure(error, cancellationSignal());
  }
}

export function toFailure(error: unknown, cancellation: AbortSignal): unknown {
  if (error instanceof MergeError || error instanceof MergeFailure) return applicationFailure(error.facts, error);
  if (error instanceof BigQueryError || error instanceof BudgetRefused)
    return applicationFailure({ type: error.type, message: error.message }, error);
  if (error instanceof CancelledFailure || error instanceof CompleteAsyncError) return error;
  // Whatever a room throws when it is stopped, the reason is the cancellation.
  if (cancellation.aborted) return cancellation.reason;
  return applicationFailure(factsOf(error), error);
}

/** Errors that no room has typed: a full disk is told by its code, all else is a bug and says so. */
function factsOf(error: unknown): FailureFacts {
  if (!(error instanceof Error)) return { type: 'CommandFailed', message: String(error) };
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOSPC' || code === 'EDQUOT') return { type: 'DiskFull', message: error.message };
  return { type: 'CommandFailed', message: `${error.name}: ${error.message}` };
}

/**
 * Where the failure was foreseen, the stack of this program says nothing about it, and in the UI it would stand before the details:
 * only what it came from goes along.
 */
function applicationFailure(facts: FailureFacts, error: unknown): ApplicationFailure {
  const isBug = facts.type === 'CommandFailed';
  const cause = isBug || !(error instanceof Error) ? error : error.cause;
  const failure = ApplicationFailure.create({
    type: facts.type,
    message: facts.message,
    nonRetryable: true,
    details: [facts],
    ...(cause instanceof Error && { cause }),
  });
  if (!isBug) failure.stack = '';
  return failure;
}
