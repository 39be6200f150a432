/** A pair of all that the stitch has ways for: codecs, nulls, dictionaries, nested columns, two row groups, files to be aligned. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { temporaryFolder, writeParquet } from '../../support/parquet-by-sql.ts';

const ROWS = 3_000;
const GROUP_ROWS = 2_048;

export const isRewritten = (column: string): boolean => /^[mn]\d/.test(column);

/** Files of two row groups; `m` and `n` have other rows than the others, in another order. Returns their folder. */
export async function writePair(
  t: TestContext,
  { folder, nested = true }: { folder?: string; nested?: boolean } = {},
): Promise<{ folder: string; sources: string }> {
  const root = folder ?? (await temporaryFolder(t));
  const sources = join(root, 'sources');
  await mkdir(sources);
  const file = (name: string): string => join(sources, `${name}.parquet`);
  const write = (queries: Record<string, string>, codec: string): Promise<void> =>
    writeParquet(queries, `, ROW_GROUP_SIZE ${GROUP_ROWS}, COMPRESSION ${codec}`);
  const aligned = `FROM range(${ROWS})`;
  await write(
    { [file('a')]: `SELECT range AS k, range * 1.5 AS a0, if(range % 3 = 0, NULL, range / 7) AS a1 ${aligned}` },
    'uncompressed',
  );
  await write(
    {
      [file('b')]:
        `SELECT range AS k, 'text ' || range AS b0, 'word ' || range % 5 AS b1, range % 2 = 0 AS b2 ${aligned}`,
    },
    'snappy',
  );
  if (nested)
    await write(
      {
        [file('c')]: `SELECT range AS k, [range, NULL, range + 1] AS c0, {x: range, y: 'y' || range} AS c1 ${aligned}`,
      },
      'zstd',
    );
  await write({ [file('d')]: `SELECT range AS k, (range * 0.01)::DECIMAL(18, 4) AS d0 ${aligned}` }, 'gzip');
  const others = `FROM range(${ROWS}) WHERE range % 5 <> 0 ORDER BY (range * 7919) % ${ROWS}`;
  await write(
    { [file('m')]: `SELECT range AS k, range / 7 AS m0, if(range % 4 = 0, NULL, 'some ' || range) AS m1 ${others}` },
    'gzip',
  );
  await write({ [file('n')]: `SELECT range AS k, range / 3 AS n0, range::FLOAT AS n1 ${others}` }, 'uncompressed');
  return { folder: root, sources };
}
