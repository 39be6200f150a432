import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { listCheckpoints } from '../../src/merge/discover.ts';
import { joinWithDuckdb } from '../../src/merge/duckdb-join.ts';
import type { MergeJob } from '../../src/merge/job.ts';
import { readManifestId } from '../../src/merge/parquet/key-values.ts';
import { planMerge } from '../../src/merge/plan-merge.ts';
import type { MergePlan } from '../../src/merge/plan.ts';
import { verifyMerge } from '../../src/merge/verify/verify-merge.ts';
import { mergeJob, temporaryFolder, writeParquet } from '../support/parquet-by-sql.ts';

async function planOf(
  t: TestContext,
  queries: string[],
  changes: Partial<MergeJob> = {},
): Promise<{ plan: MergePlan; dir: string; outputPath: string }> {
  const dir = await temporaryFolder(t);
  await writeParquet(Object.fromEntries(queries.map((sql, i) => [join(dir, `c${i}.parquet`), sql])));
  const outputPath = join(dir, 'out.joined');
  const job = mergeJob(dir, outputPath, changes);
  return { plan: await planMerge(job, await listCheckpoints(job)), dir, outputPath };
}

async function joinFiles(
  t: TestContext,
  queries: string[],
  memoryBytes = 1024 ** 3,
  changes: Partial<MergeJob> = {},
): Promise<{ plan: MergePlan; outputPath: string }> {
  const { plan, dir, outputPath } = await planOf(t, queries, changes);
  const written = await joinWithDuckdb({ plan, outputPath, memoryBytes, tempDir: dir, onProgress: () => undefined });
  assert.equal(written.bytesOut, written.bytesCopied);
  return { plan, outputPath };
}

const KEYS: Record<string, string> = {
  'timestamps with a zone': "TIMESTAMPTZ '2024-01-01 00:00:00+00' + range * INTERVAL 5 MINUTE",
  'timestamps without a zone': "TIMESTAMP '2024-01-01' + range * INTERVAL 5 MINUTE",
  nanoseconds: "TIMESTAMP_NS '2024-01-01 00:00:00.123456789' + range * INTERVAL 5 MINUTE",
  dates: "DATE '2024-01-01' + range::INTEGER",
  'unsigned integers': '(range + 4294000000)::UINTEGER',
  text: "'é' || range",
};

for (const [what, key] of Object.entries(KEYS))
  test(`files of other rows and orders are joined by ${what}, every value verified`, async (t) => {
    const { plan, outputPath } = await joinFiles(t, [
      `SELECT ${key} AS k, range AS a, 'x' || range AS "A b""c" FROM range(3000)`,
      `SELECT ${key} AS k, range::UBIGINT AS b FROM range(3000) WHERE range % 3 > 0 ORDER BY (range * 7919) % 3000`,
      `SELECT ${key} AS k, range / 0 AS c, TIMESTAMP '2024-01-01' + range * INTERVAL 1 SECOND AS d FROM range(10, 3000)`,
    ]);
    assert.equal(await readManifestId(outputPath), plan.id);
    const request = { plan, outputPath, engine: 'duckdb' as const, onProgress: () => undefined };
    const { columns, sources } = await verifyMerge({ ...request, mode: 'full' });
    assert.deepEqual(
      columns.map(({ name }) => name),
      ['k', 'a', 'A b"c', 'b', 'c', 'd'],
    );
    assert.deepEqual(sources, []);
  });

test('a join that does not fit its memory fails as what it is', async (t) => {
  const wide = Array.from({ length: 30 }, (_, i) => `random() AS `.concat('@', String(i))).join(', ');
  const queries = Array.from(
    { length: 20 },
    (_, i) => `SELECT range AS k, ${wide.replaceAll('@', `c${i}_`)} FROM range(10000)`,
  );
  await assert.rejects(joinFiles(t, queries, 64 * 1024 ** 2), {
    name: 'MemoryExhausted',
    message: /DuckDB ran out of its memory: Out of Memory Error/,
  });
});

test('a join that is aborted throws the reason of its signal', async (t) => {
  const { plan, dir, outputPath } = await planOf(t, ['SELECT range AS k, range AS a FROM range(1000)']);
  const controller = new AbortController();
  const reason = new Error('the operator has paused');
  const request = { plan, outputPath, memoryBytes: 1024 ** 3, tempDir: dir, onProgress: () => undefined };
  const running = joinWithDuckdb({ ...request, signal: controller.signal });
  controller.abort(reason);
  await assert.rejects(running, (error) => error === reason);
});

test('what DuckDB would change is refused by name, with a remedy', async (t) => {
  const nested = ['SELECT 1 AS k, [1] AS list'];
  await assert.rejects(joinFiles(t, nested), {
    name: 'EngineUnfit',
    message: /^c0\.parquet: column list is nested/,
  });
  const cases = ['SELECT 1 AS k, 2 AS Mid', 'SELECT 1 AS k, 3 AS mid'];
  await assert.rejects(joinFiles(t, cases), {
    name: 'EngineUnfit',
    message: /^c1\.parquet: column mid differs from Mid in case only.*; use the backend local/,
  });
});
