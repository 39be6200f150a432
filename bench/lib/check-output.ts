import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { asyncBufferFromFile, parquetMetadataAsync } from 'hyparquet';
import type { Shape } from './checkpoints.ts';

/** Throws where the output (a file, or a folder of parts) has not all the rows and columns of a pair of this shape. */
export async function checkOutput(output: string, shape: Shape): Promise<void> {
  const names = await readdir(output).catch(() => null);
  const parts =
    names === null ? [output] : names.filter((name) => name.endsWith('.parquet')).map((n) => join(output, n));
  let rows = 0;
  for (const part of parts) {
    const { num_rows, row_groups } = await parquetMetadataAsync(await asyncBufferFromFile(part));
    rows += Number(num_rows);
    for (const { columns } of row_groups) {
      if (columns.length !== 1 + shape.columns)
        throw new Error(`${part} has ${columns.length} columns, where a key and ${shape.columns} are wanted`);
    }
  }
  if (rows !== shape.rows) throw new Error(`${output} has ${rows} rows, where ${shape.rows} are wanted`);
}
