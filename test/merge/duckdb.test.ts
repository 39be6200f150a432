import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openDuckdb } from '../../src/merge/duckdb.ts';
import { until } from '../pipeline/stage.ts';
import { temporaryFolder } from '../support/parquet-by-sql.ts';

/** Hours of work. */
const ENDLESS = 'CREATE TABLE sums AS SELECT sum(sin(a.range + b.range)) FROM range(10000000) a, range(1000000) b';
const TIMEOUT_MS = 60_000;

// A statement that nothing has stopped holds its process, whatever the timeout says and even in exit(). Not so where all
// is well: the timer does not hold it.
after(() => {
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), 1000).unref();
});

test(
  'an abort ends a running statement with the reason of the signal, and leaves the connection usable',
  { timeout: TIMEOUT_MS },
  async () => {
    const reason = new Error('the operator has paused');
    const controller = new AbortController();
    const options = { threads: 1, memoryBytes: 256 * 1024 ** 2, tempDirectory: '', signal: controller.signal };
    const duckdb = await openDuckdb(options);
    try {
      await duckdb.run('CREATE TABLE numbers AS SELECT range FROM range(10)');
      const running = assert.rejects(duckdb.run(ENDLESS), (error) => error === reason);
      controller.abort(reason);
      await running;
      await assert.rejects(duckdb.run('SELECT 1'), (error) => error === reason);
      await duckdb.connection.run('DROP TABLE numbers');
    } finally {
      duckdb.close();
    }
  },
);

test('an abort in the middle of a statement', { timeout: TIMEOUT_MS }, async (t) => {
  const dir = await temporaryFolder(t);
  const reason = new Error('the worker ends');
  const controller = new AbortController();
  const options = { threads: 2, memoryBytes: 256 * 1024 ** 2, tempDirectory: '', signal: controller.signal };
  const duckdb = await openDuckdb(options);
  // No row passes, so that the file, which shows that it has begun, stays empty.
  const query = 'SELECT a.range FROM range(10000000) a, range(1000000) b WHERE sin(a.range + b.range) > 2';
  const running = duckdb.run(`COPY (${query}) TO '${join(dir, 'none.csv')}' (FORMAT csv)`);
  const stopped = assert.rejects(running, (error) => error === reason);
  try {
    await until('the file is there', async () => (await readdir(dir)).length > 0);
    controller.abort(reason);
    await stopped;
  } finally {
    duckdb.close();
  }
});
