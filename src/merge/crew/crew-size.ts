import { availableParallelism } from 'node:os';

const MIB = 1024 ** 2;
/** The merge process itself, its database for what needs one included. */
const BESIDE_BYTES = 128 * MIB;
/** A runtime of its own, and pages under way. */
const THREAD_BYTES = 40 * MIB;
/** Of each row: two columns decoded and encoded, of 8 bytes a value; the row's place. */
const ROW_BYTES = 72;

/** How many there may be for files of so many rows, within the memory of the whole process; one at least. */
export function crewSize(memoryBytes: number, rows: number, cores = availableParallelism()): number {
  const room = memoryBytes - BESIDE_BYTES;
  return Math.max(1, Math.min(cores, Math.floor(room / (THREAD_BYTES + ROW_BYTES * rows))));
}

/** A thread that compares bytes takes 20 MB, 28 where it reads the output, too, and 70 ms of a processor until it is at work. */
const WORTH_A_HELPER_BYTES = 768 * MIB;

/** Whether so many bytes are compared sooner by two threads. */
export const isWorthAHelper = (bytes: number): boolean => bytes > WORTH_A_HELPER_BYTES;
