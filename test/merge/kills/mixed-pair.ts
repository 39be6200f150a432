import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeParquet } from '../../support/parquet-by-sql.ts';

/** Aligned files, and files of other rows in another order, in `dir`, which is made: four columns each, values that do not compress. */
export async function writeMixedPair(
  dir: string,
  { aligned, misaligned, rows }: { aligned: number; misaligned: number; rows: number },
): Promise<void> {
  await mkdir(dir, { recursive: true });
  const queries = Array.from({ length: aligned + misaligned }, (_, i) => {
    const columns = Array.from({ length: 4 }, (_, j) => `hash(range * ${i + 1} + ${j}) / 7 AS f${i}_${j}`);
    const order = i < aligned ? '' : ` WHERE range % 11 <> 0 ORDER BY (range * 7919) % ${rows}`;
    return [join(dir, `${i}.parquet`), `SELECT range AS k, ${columns.join(', ')} FROM range(${rows})${order}`] as const;
  });
  await writeParquet(Object.fromEntries(queries), ', ROW_GROUP_SIZE 16384');
}
