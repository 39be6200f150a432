/**
 * The files that the benches merge: like those of the incident, a key and doubles (prices, counts, some with NaN or null), one row group
 * each as pyarrow writes them, snappy and zstd in turns of four. The same shape gives the same values.
 */
import { readdir, stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { UsageError } from '../../src/cli/exit.ts';
import { runPython } from '../../test/support/python-env.ts';

export const KEY = 'interval_time';

export interface Shape {
  files: number;
  /** Of all files together, without their keys. */
  columns: number;
  rows: number;
}

/** One real pair. */
export const INCIDENT: Shape = { files: 668, columns: 17_037, rows: 177_748 };

/** `files x columns x rows`; the columns are of all files together. Throws UsageError for anything else. */
export function parseShape(text: string): Shape {
  const [files, columns, rows, ...rest] = text.split('x').map(Number);
  const isCount = (number: number | undefined): number is number => Number.isSafeInteger(number) && number! > 0;
  if (isCount(files) && isCount(columns) && isCount(rows) && rest.length === 0 && columns >= files)
    return { files, columns, rows };
  throw new UsageError(`${text} is no FILESxCOLUMNSxROWS, e.g. 67x1708x177748, with a column for each file at least`);
}

export const formatShape = ({ files, columns, rows }: Shape): string => `${files}x${columns}x${rows}`;

/** Measured: 2.3 bytes a value, 7.5 of a key, 150 of the footer for a column; what is needed of a disk is a little more. */
export const estimatedBytes = ({ files, columns, rows }: Shape): number =>
  Math.ceil(1.1 * (2.3 * columns * rows + 7.5 * files * rows + 300 * columns));

/** Of all its doubles, decoded. */
export const decodedBytes = ({ columns, rows }: Shape): number => 8 * columns * rows;

/** 90 s for one real pair on two cores. */
const WRITING_TIMEOUT_MS = 60 * 60_000;
/** A process keeps 150 columns in memory. */
const MOST_PROCESSES = 4;

/**
 * Writes them into a new folder; resolves to their bytes. Memory: 1.5 KB a row and process. `misaligned` is the share of the files, 0 to 1, whose
 * rows are in another order, or in row groups of 2,048 rows; all have the same keys.
 */
export async function writeCheckpoints(dir: string, shape: Shape, misaligned = 0): Promise<number> {
  const { files, columns, rows } = shape;
  const processes = Math.min(availableParallelism(), MOST_PROCESSES, files);
  const size = ['--files', `${files}`, '--columns', `${columns}`, '--rows', `${rows}`, '--key', KEY];
  const kind = ['--kinds', 'numbers', '--writers', 'pyarrow-default', '--processes', `${processes}`];
  const ways = ['--misaligned', `${misaligned}`, '--ways', 'order,layout'];
  await runPython('write_checkpoints.py', [dir, ...size, ...kind, ...ways], { timeoutMs: WRITING_TIMEOUT_MS });
  const sizes = await Promise.all((await readdir(dir)).map(async (name) => (await stat(join(dir, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}
