/** How a program that merges has ended, as what it means for the merge. Pure. */
import { constants } from 'node:os';
import { EndedBySignal, MergeFailure } from '../errors.ts';
import { tellingLine } from './last-words.ts';

export interface CommandEnding {
  exitCode: number | null;
  signal: NodeJS.Signals | null;
  /** The end of its standard error. */
  words: string;
}

/** A process sends these to itself, by a fault of its own. */
const OWN_FAULTS = new Set<string>(['SIGSEGV', 'SIGABRT', 'SIGBUS', 'SIGILL', 'SIGFPE', 'SIGTRAP', 'SIGSYS']);
/** Python, NumPy, Arrow; Rust (Polars); C++; DuckDB; V8; Zstandard; the system. */
const OUT_OF_MEMORY =
  /MemoryError\b|\b[mr]e?alloc of size \d+ failed|memory allocation of \d+ bytes failed|std::bad_alloc|Out of Memory Error|JavaScript heap out of memory|Cannot allocate memory|Allocation error : not enough memory|\bENOMEM\b/;
const DISK_FULL = /No space left on device|\bENOSPC\b|Disk quota exceeded|\bEDQUOT\b/;
/** Dask's worker was killed; by its own nanny where she says so, else by somebody else. */
const WORKER_KILLED = /\bKilledWorker\b/;
const BY_ITS_NANNY = /exceeded \d+% memory budget/;

/**
 * Null where it ended well; else a MergeFailure, or EndedBySignal where somebody else's signal ended it, whose sense only
 * the guard can tell. `label` is what messages call the program.
 */
export function failureOfCommand(label: string, ending: CommandEnding): MergeFailure | EndedBySignal | null {
  const { exitCode, words } = ending;
  if (exitCode === 0) return null;
  const said = tellingLine(words);
  // Of this one line only: the rest may speak of anything.
  const isMemory = OUT_OF_MEMORY.test(said) || (WORKER_KILLED.test(said) && BY_ITS_NANNY.test(words));
  if (isMemory) return new MergeFailure('MemoryExhausted', `${label} ran out of memory: ${said}`);
  if (DISK_FULL.test(said)) return new MergeFailure('DiskFull', `${label} found no space left on the disk: ${said}`);
  const signal = ending.signal ?? signalOf(exitCode) ?? (WORKER_KILLED.test(said) ? 'SIGKILL' : null);
  if (signal === null)
    return new MergeFailure('CommandFailed', `${label} failed (exit code ${exitCode ?? 'unknown'}): ${said}`);
  if (OWN_FAULTS.has(signal)) return new MergeFailure('CommandFailed', `${label} crashed (${signal}): ${said}`);
  return new EndedBySignal(signal, `${label} was ended by ${signal}`);
}

/** A shell reports its child's signal as 128 + number. */
function signalOf(exitCode: number | null): NodeJS.Signals | null {
  if (exitCode === null || exitCode <= 128) return null;
  const found = Object.entries(constants.signals).find(([, number]) => number === exitCode - 128);
  return found === undefined ? null : (found[0] as NodeJS.Signals);
}
