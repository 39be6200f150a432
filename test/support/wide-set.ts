import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeParquet } from './parquet-by-sql.ts';

/** Enough for the stitch, and for no engine that holds the columns in memory. */
export const NARROW_LIMIT_BYTES = 400 * 2 ** 20;

/** 60 aligned files of 0.5 GB in memory, 10 MB on disk: few values, each many times. */
export async function writeWideSet(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const files = Array.from({ length: 60 }, (_, file) => {
    const columns = Array.from({ length: 18 }, (_, i) => `(range * ${7 + i}) % 50 / ${file + 3} AS f${file}_${i}`);
    const name = `checkpoint_${String(file).padStart(2, '0')}.parquet`;
    return [join(folder, name), `SELECT range AS interval_time, ${columns.join(', ')} FROM range(60000)`] as const;
  });
  await writeParquet(Object.fromEntries(files), ', ROW_GROUP_SIZE 100000, COMPRESSION zstd');
}
