import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { checkOutput } from './check-output.ts';
import { decodedBytes, formatShape, writeCheckpoints, type Shape } from './checkpoints.ts';
import { compare, type Comparison } from './compare.ts';
import type { Entry } from './summary.ts';
import { runText } from './words.ts';

export interface SetResult {
  shape: Shape;
  bytesIn: number;
  entries: Entry[];
}

/** Writes files of that shape (`misaligned`: which share of them, 0 to 1), lets the contenders merge them, and removes them; says meanwhile how far it is. */
export async function measureSet(
  shape: Shape,
  comparison: Omit<Comparison, 'sources' | 'spillBytes' | 'check' | 'onRun'>,
  misaligned = 0,
): Promise<SetResult> {
  const { contenders, work } = comparison;
  const sources = join(work, 'sources');
  console.error(`writing ${formatShape(shape)}`);
  const bytesIn = await writeCheckpoints(sources, shape, misaligned);
  console.error(`${(bytesIn / 1e9).toFixed(2)} GB in ${shape.files} files`);
  const measured = await compare({
    ...{ ...comparison, sources, spillBytes: decodedBytes(shape) },
    check: (output, { isParquet }) => (isParquet ? checkOutput(output, shape) : Promise.resolve()),
    onRun: ({ id }, round, run) => console.error(`${round + 1} ${id}: ${runText(run)}`),
  });
  await rm(sources, { recursive: true });
  return { shape, bytesIn, entries: contenders.map(({ id, name }, index) => ({ id, name, runs: measured[index]! })) };
}
