import type { FailureType } from '../contract.ts';
import type { FailureFacts } from '../payloads.ts';

/** A failure of the engine that has a type, a place and a remedy; everything else that is thrown here is a bug. */
export class MergeFailure extends Error {
  readonly facts: FailureFacts;
  constructor(
    type: FailureType,
    message: string,
    place: { file?: string | undefined; column?: string | undefined } = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = type;
    this.facts = {
      type,
      message,
      ...(place.file === undefined ? {} : { file: place.file }),
      ...(place.column === undefined ? {} : { column: place.column }),
    };
  }
}

const OUT_OF_MEMORY = /Array buffer allocation failed|std::bad_alloc|Cannot allocate memory/;
const OUT_OF_MEMORY_CODES = new Set(['ENOMEM', 'ERR_MEMORY_ALLOCATION_FAILED', 'Z_MEM_ERROR']);

/** True where this process was refused memory: by V8, Node, C++ code, zlib or the system. */
export function isOutOfMemory(error: unknown): error is Error {
  if (!(error instanceof Error) || error instanceof MergeFailure) return false;
  return OUT_OF_MEMORY_CODES.has((error as NodeJS.ErrnoException).code ?? '') || OUT_OF_MEMORY.test(error.message);
}

const UNREADABLE = new Set(['EIO', 'EACCES', 'EPERM', 'ESTALE', 'EUCLEAN']);

/** The system's code where a file could not be read: a failing disk, missing permissions; else null. */
export function unreadableCode(error: unknown): string | null {
  const { code } = error as { code?: string };
  return error instanceof Error && code !== undefined && UNREADABLE.has(code) ? code : null;
}

/** The checkpoint `file` cannot be merged as it is; `message` says why, without naming the file again. */
export const invalidCheckpoint = (file: string, message: string, column?: string): MergeFailure =>
  new MergeFailure('CheckpointInvalid', `${file}: ${message}`, { file, column });

/** The engine at hand would not take `file`, or not give this column of it back as it is; another engine may. */
export const unfitEngine = (file: string, message: string, column?: string): MergeFailure =>
  new MergeFailure('EngineUnfit', `${file}: ${message}`, { file, column });

/**
 * A program that this process ran was ended by a signal that this process did not send. Whether that was for want of memory
 * only the guard knows: this process ends by the same signal, so that the guard can judge it.
 */
export class EndedBySignal extends Error {
  readonly signal: NodeJS.Signals;
  constructor(signal: NodeJS.Signals, message: string) {
    super(message);
    this.name = 'EndedBySignal';
    this.signal = signal;
  }
}
