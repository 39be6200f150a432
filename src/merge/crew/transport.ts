/** Errors between threads: a clone keeps neither the class nor the code of the system. */
import type { FailureFacts } from '../../payloads.ts';
import { MergeFailure } from '../errors.ts';

export type SentError =
  | { facts: FailureFacts }
  | { name: string; message: string; stack: string | undefined; code: string | undefined; path: string | undefined };

export function packError(error: unknown): SentError {
  if (error instanceof MergeFailure) return { facts: error.facts };
  if (!(error instanceof Error)) return packError(new Error(String(error)));
  const { name, message, stack, code, path } = error as NodeJS.ErrnoException;
  return { name, message, stack, code, path };
}

export function unpackError(sent: SentError): Error {
  if ('facts' in sent) {
    const { type, message, file, column } = sent.facts;
    return new MergeFailure(type, message, { file, column });
  }
  const { name, message, stack, code, path } = sent;
  return Object.assign(new Error(message), { name, stack }, code && { code }, path && { path });
}
