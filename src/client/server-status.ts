import { oneLine } from '../workflows/route.ts';

/** What a Temporal server, or the way to it, answered to a call: the gRPC status among an error and its causes. */
export interface ServerStatus {
  /** e.g. `UNAVAILABLE`. */
  name: string;
  /** One line. */
  details: string;
}

/** https://grpc.github.io/grpc/core/md_doc_statuscodes.html */
const NAMES = [
  ...['OK', 'CANCELLED', 'UNKNOWN', 'INVALID_ARGUMENT', 'DEADLINE_EXCEEDED', 'NOT_FOUND', 'ALREADY_EXISTS'],
  ...['PERMISSION_DENIED', 'RESOURCE_EXHAUSTED', 'FAILED_PRECONDITION', 'ABORTED', 'OUT_OF_RANGE', 'UNIMPLEMENTED'],
  ...['INTERNAL', 'UNAVAILABLE', 'DATA_LOSS', 'UNAUTHENTICATED'],
];

/** Nobody here cancels a call: it is the connection's end that does. */
const SILENCE = ['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'RESOURCE_EXHAUSTED', 'CANCELLED'];

const TOO_LARGE = /\b(message|size) larger than\b/i;

/** A server that starts, or fails over, answers so once or twice; one that goes on to has a fault. */
const STUMBLES = ['UNKNOWN', 'ABORTED', 'INTERNAL'];

/** Null where the error is not about a call to the server. */
export function serverStatusOf(error: unknown): ServerStatus | null {
  if (!(error instanceof Error)) return null;
  const { code, details } = error as { code?: unknown; details?: unknown };
  const name = typeof code === 'number' && typeof details === 'string' ? NAMES[code] : undefined;
  if (name === undefined) return serverStatusOf(error.cause);
  return { name, details: oneLine(String(details), 300) };
}

/** True where the server is away, or too busy to answer: to wait and to ask again will help. */
export function isSilence({ name, details }: ServerStatus): boolean {
  // gRPC's own limit of a message, which no waiting will lift, has the status of a server that is too busy.
  if (name === 'RESOURCE_EXHAUSTED' && TOO_LARGE.test(details)) return false;
  // How the HTTP/2 client names a stream that a dying server has torn off.
  return SILENCE.includes(name) || (name === 'INTERNAL' && details.startsWith('Received RST_STREAM'));
}

/** True where one such answer says nothing, and several in a row do. */
export function isStumble({ name }: ServerStatus): boolean {
  return STUMBLES.includes(name);
}
