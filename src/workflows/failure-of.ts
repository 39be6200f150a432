import { ActivityFailure, ApplicationFailure, isCancellation, rootCause } from '@temporalio/workflow';
import type { FailureType } from '../contract.ts';
import type { FailureFacts } from '../payloads.ts';
import { FAILURES } from '../contract.ts';

/** The typed failure that an activity ended with; cancellations and errors of workflow code are thrown on. */
export function failureOf(error: unknown): Pick<FailureFacts, 'type' | 'message'> {
  if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
  const cause = error.cause;
  if (cause instanceof ApplicationFailure && isFailureType(cause.type)) {
    return { type: cause.type, message: cause.message };
  }
  // Not of this project's making: a payload that is too large, an activity that no worker knows.
  return { type: 'CommandFailed', message: `${error.activityType}: ${rootCause(error) ?? error.message}` };
}

function isFailureType(type: string | undefined | null): type is FailureType {
  return typeof type === 'string' && Object.hasOwn(FAILURES, type);
}
