import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { DuckDBInstance } from '@duckdb/node-api';
import type { MergeJob } from '../../src/merge/job.ts';

/** A folder of its own for a test, removed after it. */
export async function temporaryFolder(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'widemerge-test-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

/** Writes Parquet files with DuckDB, one per entry: path -> query. */
export async function writeParquet(files: Record<string, string>, options = ''): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  try {
    for (const [path, sql] of Object.entries(files))
      await connection.run(`COPY (${sql}) TO '${path.replaceAll("'", "''")}' (FORMAT parquet ${options})`);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/** A job over `dir` with usual settings. */
export function mergeJob(dir: string, output: string, changes: Partial<MergeJob> = {}): MergeJob {
  return {
    steps: ['discover', 'merge', 'verify', 'publish'],
    source: { dir, root: null, pattern: '*.parquet', expected: null },
    output: { path: output, replace: false },
    key: 'k',
    rows: 'union',
    reference: null,
    engine: 'stitch',
    verify: 'bytes',
    memoryBytes: 1024 ** 3,
    ...changes,
  };
}

/** The rows of a query, by a database of its own. */
export async function query(sql: string): Promise<unknown[][]> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  try {
    return await (await connection.run(sql)).getRowsJson();
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
