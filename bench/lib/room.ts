/** The room of the disk that a comparison needs, and what is said where it is not there. */
import { UsageError } from '../../src/cli/exit.ts';
import { formatBytes } from '../../src/config/units.ts';
import { decodedBytes, estimatedBytes, formatShape, type Shape } from './checkpoints.ts';
import type { Contender } from './contender.ts';
import { freeBytes } from './place.ts';

/** Others write the same values in other codecs. */
const LARGEST_OUTPUT = 1.25;

/** Bytes of the sources, of the outputs that are there at a time, and of what is spilled meanwhile. */
export function neededBytes(shape: Shape, contenders: readonly Pick<Contender, 'spills'>[], outputs = 1): number {
  const spilled = contenders.some(({ spills }) => spills) ? decodedBytes(shape) : 0;
  return Math.ceil((1 + outputs * LARGEST_OUTPUT) * estimatedBytes(shape) + spilled);
}

/** Says what each shape needs; throws UsageError where the folder's disk has less than the largest needs. */
export async function checkRoom(
  folder: string,
  shapes: readonly Shape[],
  contenders: Contender[],
  outputs = 1,
): Promise<void> {
  const needed = shapes.map((shape) => neededBytes(shape, contenders, outputs));
  const free = await freeBytes(folder);
  const each = shapes.map((shape, index) => `${formatShape(shape)} ${formatBytes(needed[index]!)}`);
  console.error(`disk needed in ${folder}, for one after the other: ${each.join(', ')}; free: ${formatBytes(free)}`);
  const most = Math.max(...needed);
  if (most <= free) return;
  const text = `${formatBytes(most)} of disk are needed and ${folder} has ${formatBytes(free)} free`;
  throw new UsageError(
    `${text}: set BENCH_DIR to a folder with more, or leave out what spills (DuckDB) by --contenders`,
  );
}
