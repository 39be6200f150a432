import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { MergeFigures } from '../../src/payloads.ts';
import { MergeFailure } from '../../src/merge/errors.ts';
import { runSteps } from '../../src/merge/steps.ts';
import { visibleFiles } from '../support/merge-cli.ts';
import { mergeJob } from '../support/parquet-by-sql.ts';

export const KEY = 'k';

/** What is merged for one line of the table: files of the same values, all of one order and layout, and not. */
export interface WrittenLine {
  section: string;
  name: string;
  /** Holds `aligned` and `misaligned`. */
  dir: string;
}
export type Way = 'aligned' | 'misaligned';

export interface Merged {
  way: Way;
  /** `copied`, `rewritten`, or `refused: ` and why. */
  outcome: string;
  /** Of what was not refused. */
  output: string | null;
  rows: number;
  /** Paths of the files that were merged. */
  sources: string[];
}

/**
 * Merges one way of a line; every value is verified. Throws whatever is no refusal by name, and where a merge was published that
 * was refused.
 */
export async function mergeLine({ section, dir }: WrittenLine, way: Way): Promise<Merged> {
  const folder = join(dir, way);
  const sources = (await readdir(folder)).toSorted().map((name) => join(folder, name));
  const output = join(dir, `${way}.parquet`);
  const found: MergeFigures[] = [];
  // About keys: neither file has all of them. Else: the rows of the plain file.
  const rows =
    section === 'Keys' ? ({ rows: 'union' } as const) : ({ rows: 'reference', reference: 'a.parquet' } as const);
  const job = mergeJob(folder, output, { ...rows, key: KEY, verify: 'full', memoryBytes: 512 * 1024 ** 2 });
  try {
    await runSteps(job, (message) => {
      if (message.event === 'published') found.push(message.figures);
    });
  } catch (error) {
    const reason = refusal(error, sources);
    const left = (await visibleFiles(dir)).filter((name) => name.startsWith(`${way}.parquet`));
    if (left.length > 0) throw new Error(`${left.join(', ')} was left by a merge that was refused`, { cause: error });
    return { way, outcome: `refused: ${reason}`, output: null, rows: 0, sources };
  }
  const [figures] = found;
  if (figures?.verified !== 'full') throw new Error(`${output} was not verified in full`);
  const expected = way === 'aligned' ? 0 : section === 'Keys' ? sources.length : sources.length - 1;
  if (figures.realigned !== expected)
    throw new Error(`${figures.realigned} of ${sources.length} files were rewritten where ${expected} had to be`);
  return { way, outcome: way === 'aligned' ? 'copied' : 'rewritten', output, rows: figures.rows, sources };
}

/** Why, in words that name neither file nor what to do about it. */
function refusal(error: unknown, sources: string[]): string {
  if (!(error instanceof MergeFailure) || error.facts.type !== 'CheckpointInvalid') throw error;
  const { message, file } = error.facts;
  const prefix = `${file ?? ''}: `;
  if (!sources.some((path) => path.endsWith(`/${file ?? ''}`)) || !message.startsWith(prefix) || message.includes('\n'))
    throw error;
  return message.slice(prefix.length).split(';')[0]!;
}
