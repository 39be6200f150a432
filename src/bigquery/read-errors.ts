/** Statuses of gRPC in the words of error-reasons.ts. Source: https://grpc.github.io/grpc/core/md_doc_statuscodes.html */
import { reasonOf } from './error-reasons.ts';

const NOT_FOUND = 5;
const RESOURCE_EXHAUSTED = 8;
const FAILED_PRECONDITION = 9;

const REASONS = new Map<number, string>([
  // Not by us: then the signal is looked at first.
  [1, 'backendError'],
  [2, 'backendError'],
  [3, 'invalid'],
  [4, 'timeout'],
  [NOT_FOUND, 'notFound'],
  [6, 'duplicate'],
  [7, 'accessDenied'],
  // Of Storage Read it is a limit of what runs at a time, which passes.
  [RESOURCE_EXHAUSTED, 'rateLimitExceeded'],
  [FAILED_PRECONDITION, 'invalid'],
  [10, 'backendError'],
  [11, 'invalid'],
  [12, 'notImplemented'],
  [13, 'internalError'],
  [14, 'backendError'],
  [15, 'backendError'],
  [16, 'authError'],
]);

/** The reason of an error of the Storage Read client; null: none of the service's. */
export function readReason(error: unknown): string | null {
  const { code, message } = error as { code?: unknown; message?: unknown };
  // However often it is sent: a message has some rows of all columns.
  if (code === RESOURCE_EXHAUSTED && /message larger than max/i.test(String(message))) return 'responseTooLarge';
  return reasonOf(error) ?? (typeof code === 'number' ? (REASONS.get(code) ?? null) : null);
}

/** True where reading a stream says that its session is over: sessions live for six hours. */
export function isSessionOver(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return code === FAILED_PRECONDITION || code === NOT_FOUND;
}
