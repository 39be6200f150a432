/** Keys of several columns by every engine that takes them: the same rows in the same order, verified by value. */
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { DuckDBInstance } from '@duckdb/node-api';
import { createBackends } from '../../src/backends/index.ts';
import { mergeJob, temporaryFolder, writeParquet } from '../support/parquet-by-sql.ts';

const GIB = 2 ** 30;
const LIMITS = { memoryBytes: 4 * GIB, killAboveBytes: 4 * GIB, timeoutMs: 300_000, stallMs: 120_000, graceMs: 1_000 };
const ROWS = `SELECT 's' || range % 3 AS symbol, range // 3 AS n, TIMESTAMPTZ '2024-01-01 00:00:00+00' + (range // 3) * INTERVAL 1 MINUTE AS k, range AS r FROM range(3000)`;

test('a key of text, integer and timestamp: five engines give the same rows', async (t) => {
  const folder = await temporaryFolder(t);
  const sources = join(folder, 'sources');
  await mkdir(sources);
  await mkdir(join(folder, 'out'));
  await writeParquet({
    [join(sources, 'a.parquet')]: `SELECT symbol, n, k, r AS a FROM (${ROWS}) WHERE r % 7 > 0`,
    [join(sources, 'b.parquet')]: `SELECT r / 8 AS b, k, n, symbol FROM (${ROWS}) WHERE r % 5 > 0 ORDER BY hash(r)`,
    [join(sources, 'c.parquet')]: `SELECT k, 'é' || r AS c, symbol, n FROM (${ROWS}) WHERE r % 7 > 0`,
  });
  const context = { limits: LIMITS, machineLock: join(folder, 'machine.lock') };
  const outputs: string[] = [];
  for (const engine of ['local', 'duckdb', 'polars', 'pandas', 'dask'] as const) {
    const path = join(folder, 'out', `${engine}.parquet`);
    const job = mergeJob(sources, path, { key: ['symbol', 'k', 'n'], memoryBytes: 4 * GIB });
    const figures = await createBackends()[engine].merge(job, context);
    assert.deepEqual([figures.rows, figures.columns], [2914, 6]);
    outputs.push(path);
  }
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  t.after(() => {
    connection.closeSync();
    instance.closeSync();
  });
  const numbered = (path: string): string => `SELECT * FROM read_parquet('${path}', file_row_number = true)`;
  const [local = '', ...others] = outputs;
  for (const other of others) {
    const differing = `SELECT count(*) FROM (${numbered(local)} EXCEPT ALL ${numbered(other)})`;
    assert.deepEqual(await (await connection.run(differing)).getRowsJson(), [['0']], other);
  }
});
