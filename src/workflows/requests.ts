import type { BackendName } from '../contract.ts';
import type { PauseRequest } from '../payloads.ts';
import { BACKENDS } from '../contract.ts';
import { oneLine } from './route.ts';

/** Reads what operators send with a message; null where it cannot be understood. */

export function readPause(request: unknown): PauseRequest {
  return { now: isRecord(request) && request.now === true };
}

/** `{ pair: 'EURUSD' }`, or the bare name. */
export function readPair(request: unknown): string | null {
  const pair = isRecord(request) ? request.pair : request;
  return typeof pair === 'string' && pair !== '' ? pair : null;
}

export interface Pivot {
  backend: BackendName;
  pair: string | null;
  now: boolean;
}

/** `{ backend, pair?, now? }`, or the bare name of a backend. The error is one line. */
export function readPivot(request: unknown): Pivot | { error: string } {
  const { backend, pair, now } = isRecord(request) ? request : { backend: request, pair: undefined, now: false };
  if (!isBackend(backend)) return { error: `no backend ${quote(backend)} (there are ${BACKENDS.join(', ')})` };
  if (pair !== undefined && pair !== null && typeof pair !== 'string') return { error: `no pair ${quote(pair)}` };
  return { backend, pair: pair ?? null, now: now === true };
}

/** A value as an operator may have meant it, short enough for a note. */
export function quote(value: unknown): string {
  return oneLine(JSON.stringify(value ?? null), 60);
}

function isBackend(value: unknown): value is BackendName {
  return (BACKENDS as readonly unknown[]).includes(value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
