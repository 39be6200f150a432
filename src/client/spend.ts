/** Reservations and bills of jobs, told to the workflow that owns the project's budget. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { isGrpcServiceError, ServiceError, WorkflowUpdateFailedError } from '@temporalio/client';
import { WorkflowNotFoundError, WorkflowUpdateRPCTimeoutOrCancelledError } from '@temporalio/client';
import type { LedgerView, ReserveAnswer, ReserveRequest, SettleAnswer, SettleRequest } from '../budget/messages.ts';
import { BUDGET_MESSAGES, budgetWorkflowId } from '../contract.ts';
import type { budget } from '../workflows/budget.ts';
import { budgetStart } from './budget.ts';

export interface SpendingOptions {
  taskQueueSuffix?: string;
  log?: (line: string) => void;
  /** Of the first wait; it doubles up to `WAIT_MAX_MS`. */
  waitFirstMs?: number;
}

/**
 * The books of projects, as those who spend see them. A budget that cannot be reached is asked again until it answers, or
 * until the signal: to guess would be to overspend. Rejects with the signal's reason, and where the budget refuses the
 * request as none.
 */
export interface SpendingBooks {
  reserve(project: string, request: ReserveRequest, signal?: AbortSignal): Promise<ReserveAnswer>;
  /** An abort leaves it some time: what has been spent should be known. */
  settle(project: string, request: SettleRequest, signal?: AbortSignal): Promise<SettleAnswer>;
  /** What is reserved and not settled, oldest first. */
  open(project: string, signal?: AbortSignal): Promise<LedgerView['open']>;
}

const WAIT_FIRST_MS = 500;
const WAIT_MAX_MS = 10_000;
/** Less than a worker gives its activities to end after it has cancelled them. */
const SETTLE_AFTER_ABORT_MS = 15_000;

export function openBooks(client: Client, options: SpendingOptions = {}): SpendingBooks {
  return {
    reserve: (project, request, signal) => tell(client, options, project, 'reserve', request, signal),
    settle: async (project, request, signal) => {
      const end = signal === undefined ? null : delayed(signal, SETTLE_AFTER_ABORT_MS);
      try {
        return await tell(client, options, project, 'settle', request, end?.signal);
      } finally {
        end?.clear();
      }
    },
    open: async (project, signal) => {
      const ask = async (): Promise<LedgerView['open']> => {
        try {
          const handle = client.workflow.getHandle(budgetWorkflowId(project));
          return (await handle.query<LedgerView>(BUDGET_MESSAGES.ledger)).open;
        } catch (error) {
          // Nothing has ever been reserved.
          if (error instanceof WorkflowNotFoundError) return [];
          throw error;
        }
      };
      return persistently(ask, options, project, signal);
    },
  };
}

async function tell<T>(
  client: Client,
  options: SpendingOptions,
  project: string,
  message: keyof typeof BUDGET_MESSAGES,
  request: object,
  signal?: AbortSignal,
): Promise<T> {
  // Of this call, so that a lost answer is found again. One of the job would find a refusal from before a raise, or a
  // grant whose reservation has been settled since.
  const updateId = randomUUID();
  const call = (): Promise<T> =>
    client.workflow.executeUpdateWithStart<typeof budget, T, [object]>(BUDGET_MESSAGES[message], {
      args: [request],
      updateId,
      startWorkflowOperation: budgetStart(project, options.taskQueueSuffix ?? ''),
    });
  return persistently(call, options, project, signal);
}

/** Asks again while the books are out of reach. */
async function persistently<T>(
  call: () => Promise<T>,
  { log, waitFirstMs = WAIT_FIRST_MS }: SpendingOptions,
  project: string,
  signal?: AbortSignal,
): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    signal?.throwIfAborted();
    try {
      return await (signal === undefined ? call() : unlessAborted(call(), signal));
    } catch (error) {
      signal?.throwIfAborted();
      if (!isOutOfReach(error)) throw error;
      if (attempt % 10 === 0) log?.(`the budget of ${project} cannot be reached, goes on trying: ${String(error)}`);
      await delay(Math.min(waitFirstMs * 2 ** attempt, WAIT_MAX_MS), undefined, signal && { signal }).catch(() => null);
    }
  }
}

/** The server or the connection is away; a refusal of the budget itself is an answer. */
function isOutOfReach(error: unknown): boolean {
  if (error instanceof WorkflowUpdateFailedError) return false;
  const kinds = [ServiceError, WorkflowNotFoundError, WorkflowUpdateRPCTimeoutOrCancelledError];
  if (kinds.some((kind) => error instanceof kind) || isGrpcServiceError(error)) return true;
  return error instanceof Error && error.name === 'TransportError';
}

/**
 * A worker's connection does not give up a call that is under way. What comes of one that is left behind is found by whoever asks
 * next: the books know jobs by their ids.
 */
async function unlessAborted<T>(call: Promise<T>, signal: AbortSignal): Promise<T> {
  let abort = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
  });
  try {
    return await Promise.race([call, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** A signal that follows another one after a while. */
function delayed(signal: AbortSignal, ms: number): { signal: AbortSignal; clear: () => void } {
  const late = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const begin = (): void => {
    timer = setTimeout(() => late.abort(signal.reason), ms);
  };
  if (signal.aborted) begin();
  else signal.addEventListener('abort', begin, { once: true });
  const clear = (): void => {
    clearTimeout(timer);
    signal.removeEventListener('abort', begin);
  };
  return { signal: late.signal, clear };
}
