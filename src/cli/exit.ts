import { RunError } from '../client/errors.ts';
import { isSilence, serverStatusOf } from '../client/server-status.ts';
import type { ServerStatus } from '../client/server-status.ts';
import { ConfigError } from '../config/config-error.ts';

/** Exit codes of every command. */
export const EXIT = {
  done: 0,
  bug: 1,
  /** Wrong usage or configuration. */
  usage: 2,
  /** The merge failed, or pairs were set aside. */
  failed: 3,
  interrupted: 130,
} as const;

/** What the user typed cannot be done; the message says what to type. */
export class UsageError extends Error {
  override name = 'ConfigInvalid';
}

/** A failure for machines, the last line of a `--json` output. */
export interface ErrorFacts {
  type: string;
  message: string;
  file?: string;
  column?: string;
}

/** The work itself failed, in a way that was foreseen: `type` is one of the contract's failures where it is about a merge. */
export class CommandError extends Error {
  readonly facts: ErrorFacts;
  constructor({ type, message, file, column }: ErrorFacts, options?: ErrorOptions) {
    super(message, options);
    this.name = type;
    this.facts = { type, message, ...(file !== undefined && { file }), ...(column !== undefined && { column }) };
  }
}

/** The user's Ctrl-C (or SIGTERM). */
export class Interrupted extends Error {
  override name = 'Interrupted';
  constructor() {
    super('interrupted');
  }
}

export interface Failure {
  exitCode: number;
  /** For people: `type: message`, a line for each problem. */
  text: string;
  facts: ErrorFacts;
}

/** The server's own word on a call that failed. */
function serverFacts(status: ServerStatus): ErrorFacts {
  const said = `${status.name}: ${status.details}`;
  if (isSilence(status))
    return {
      type: 'ServerUnavailable',
      message: `the Temporal server does not answer (${said}); try again once it does`,
    };
  const denied = status.name === 'UNAUTHENTICATED' || status.name === 'PERMISSION_DENIED';
  const advice = denied ? 'check TEMPORAL_API_KEY, TEMPORAL_NAMESPACE and TEMPORAL_TLS_*' : '--verbose shows where';
  return { type: 'ServerRefused', message: `the Temporal server answers ${said}; ${advice}` };
}

/** The one place that turns errors into exit codes. */
export function explainError(error: unknown): Failure {
  if (error instanceof CommandError)
    return { exitCode: EXIT.failed, text: `${error.facts.type}: ${error.message}`, facts: error.facts };
  if (error instanceof RunError)
    return { exitCode: EXIT.usage, text: error.message, facts: { type: error.reason, message: error.message } };
  if (error instanceof UsageError || error instanceof ConfigError)
    return { exitCode: EXIT.usage, text: error.message, facts: { type: 'ConfigInvalid', message: error.message } };
  if (error instanceof Interrupted)
    return { exitCode: EXIT.interrupted, text: error.message, facts: { type: 'Interrupted', message: error.message } };
  const status = serverStatusOf(error);
  if (status !== null) return explainError(new CommandError(serverFacts(status)));
  const message = error instanceof Error ? error.message : String(error);
  return {
    exitCode: EXIT.bug,
    text: `unexpected error: ${message} (--verbose shows where)`,
    facts: { type: 'Bug', message },
  };
}
