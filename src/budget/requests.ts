import { HIGHEST_NANOS } from './money.ts';
import { LINE_KINDS } from './messages.ts';

/**
 * What is wrong with a request, as one line, or null. Requests come over the wire: a fraction, a NaN or a name without
 * end would spoil the books for good.
 */
export function reserveProblem(request: unknown): string | null {
  const problem = settleProblem(request);
  if (problem !== null) return problem;
  const { budget, expiresMs } = request as { budget?: unknown; expiresMs?: unknown };
  if (expiresMs !== undefined && !(Number.isSafeInteger(expiresMs) && (expiresMs as number) >= 0))
    return 'expiresMs: expected whole milliseconds since 1970';
  const { runNanos, monthNanos } = isRecord(budget) ? budget : {};
  return amountProblem('budget.runNanos', runNanos) ?? amountProblem('budget.monthNanos', monthNanos);
}

export function settleProblem(request: unknown): string | null {
  const problem = releaseProblem(request);
  if (problem !== null) return problem;
  const { run, pair, step, kind, nanos } = request as Record<string, unknown>;
  return (
    textProblem('run', run, LABEL_LENGTH) ??
    textProblem('pair', pair, LABEL_LENGTH) ??
    textProblem('step', step, LABEL_LENGTH) ??
    (LINE_KINDS.some((known) => known === kind) ? null : `kind: expected one of ${LINE_KINDS.join(', ')}`) ??
    amountProblem('nanos', nanos)
  );
}

export function releaseProblem(request: unknown): string | null {
  return isRecord(request) ? textProblem('jobId', request.jobId, JOB_ID_LENGTH) : 'expected an object';
}

/** The shape alone; what the books say to the amount is the ledger's to tell. */
export function raiseShapeProblem(request: unknown): string | null {
  if (!isRecord(request)) return 'expected an object';
  const { toNanos, run, lower } = request;
  if (toNanos === 0) return 'a budget is above $0.00';
  if (lower !== undefined && typeof lower !== 'boolean') return 'lower: expected true or false';
  return amountProblem('toNanos', toNanos) ?? (run === undefined ? null : textProblem('run', run, LABEL_LENGTH));
}

/** A pair is a folder, whose name ends at 255 bytes; a run's label is its name and its start. */
const LABEL_LENGTH = 300;
const JOB_ID_LENGTH = 200;

function textProblem(name: string, value: unknown, length: number): string | null {
  const isGood = typeof value === 'string' && value !== '' && value.length <= length;
  return isGood ? null : `${name}: expected a text of 1 to ${length} characters`;
}

function amountProblem(name: string, value: unknown): string | null {
  const isGood = Number.isInteger(value) && (value as number) >= 0 && (value as number) <= HIGHEST_NANOS;
  return isGood ? null : `${name}: expected whole nano-dollars from 0 to ${HIGHEST_NANOS}`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
