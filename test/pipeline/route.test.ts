/** The route with real engines: DuckDB's join of all files really runs out of memory. */
import assert from 'node:assert/strict';
import { mkdir, readdir, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import type { BackendName } from '../../src/contract.ts';
import { startRun } from '../../src/client/start-run.ts';
import { readStatus } from '../../src/client/read-status.ts';
import { writeParquet } from '../support/parquet-by-sql.ts';
import { NARROW_LIMIT_BYTES, writeWideSet } from '../support/wide-set.ts';
import { Stage } from './stage.ts';

const MIB = 1024 ** 2;
const FILES = 40;
let stage: Stage;
before(async () => {
  stage = await Stage.open();
  const samples = ['--pairs', 'EURGBP,USDJPY', '--files', `${FILES}`, '--columns', '12', '--rows', '20000'];
  const made = await stage.widemerge('sample', '--out', join(stage.folder, 'checkpoints'), ...samples);
  assert.equal(made.code, 0, made.stderr);
  await stage.worker.start();
});
after(() => stage[Symbol.asyncDispose]());

const limits = { memoryBytes: 400 * MIB, killAboveBytes: 500 * MIB, timeoutMs: 120_000, stallMs: 60_000 };

test('a memory failure leads to the next backend, which finishes the pair', async () => {
  const config = stage.config({ name: 'fallback', pairs: ['EURGBP'], backends: ['duckdb', 'local'], limits });
  const { handle } = await startRun(stage.client, config, { tuning: { waitFirstMs: 200 } });
  assert.deepEqual((await handle.result()).merged, ['EURGBP']);
  const { pairs } = (await readStatus(stage.client, 'fallback')).progress;
  assert.equal(pairs[0]?.backend, 'local');
});

test('four engines run out of memory, a command cannot be had here, and local finishes the pair', async () => {
  await writeWideSet(join(stage.folder, 'wide', 'GBPUSD'));
  const backends: BackendName[] = ['polars', 'dask', 'pandas', 'duckdb', 'command', 'local'];
  const config = stage.config({
    ...{ name: 'engines', root: join(stage.folder, 'wide'), pairs: ['GBPUSD'], backends },
    command: { argv: ['no-such-program', '{plan}', '{out}'], dir: stage.folder },
    limits: { ...limits, memoryBytes: NARROW_LIMIT_BYTES },
  });
  const { handle } = await startRun(stage.client, config, { tuning: { waitFirstMs: 200 } });
  assert.deepEqual((await handle.result()).merged, ['GBPUSD']);
  const [pair] = (await readStatus(stage.client, 'engines')).progress.pairs;
  assert.equal(pair?.backend, 'local');
  const [polars, ...others] = (pair.routed ?? '').split('; then ');
  // See engines/memory.test.ts.
  assert.match(polars!, /^polars: (MemoryExhausted|MergeStalled): /);
  assert.deepEqual(
    others.map((route) => route.split(': ', 2).join(' ')),
    ['dask MemoryExhausted', 'pandas MemoryExhausted', 'duckdb MemoryExhausted', 'command BackendUnavailable'],
  );
});

test('a type that an engine would change leads to the next backend; without one the pair is set aside with that reason', async () => {
  const root = join(stage.folder, 'decimals');
  await mkdir(join(root, 'AUDUSD'), { recursive: true });
  const query = 'SELECT range AS interval_time, 1.50::DECIMAL(9, 2) AS price FROM range(5)';
  await writeParquet({ [join(root, 'AUDUSD', 'a.parquet')]: query });
  const common = { root, pairs: ['AUDUSD'], limits };
  const reason = /^polars: .*a\.parquet: column price is of type int32 decimal 9 2, which polars may not keep/;

  const alone = stage.config({ ...common, name: 'unfit-alone', backends: ['polars'] });
  const { setAside } = await (await startRun(stage.client, alone)).handle.result();
  assert.deepEqual(
    setAside.map(({ pair, failure }) => [pair, failure]),
    [['AUDUSD', 'EngineUnfit']],
  );
  assert.match(setAside[0]!.reason, reason);

  const chain = stage.config({ ...common, name: 'unfit', backends: ['polars', 'local'] });
  assert.deepEqual((await (await startRun(stage.client, chain)).handle.result()).merged, ['AUDUSD']);
  const [pair] = (await readStatus(stage.client, 'unfit')).progress.pairs;
  assert.equal(pair?.backend, 'local');
  assert.match(pair.routed ?? '', /^polars: EngineUnfit: a\.parquet: column price/);
});

test('a chain that ends at BigQuery says what failed first, and that BigQuery is not there; a retry runs that pair alone', async () => {
  const config = stage.config({ name: 'chain', backends: ['duckdb', 'bigquery'], limits });
  const broken = join(stage.folder, 'checkpoints', 'EURGBP');
  const { handle } = await startRun(stage.client, config, { tuning: { waitFirstMs: 200 } });
  const result = await handle.result();
  // EURGBP was merged by the test before, from the same files.
  assert.deepEqual(result.merged, ['EURGBP']);
  assert.equal(result.setAside[0]?.pair, 'USDJPY');
  assert.match(result.setAside[0].reason, /MemoryExhausted|memory/i);
  assert.match(result.setAside[0].reason, /bigquery/);
  assert.equal((await readdir(join(stage.folder, 'checkpoints', 'USDJPY'))).length, FILES);
  await truncate(join(broken, (await readdir(broken)).sort()[0]!), 100);

  const retried = await stage.widemerge('retry', 'chain', 'USDJPY');
  assert.equal(retried.code, 0, retried.stderr);
  const again = (await stage.client.workflow.getHandle('widemerge/chain').result()) as typeof result;
  // EURGBP, whose checkpoint is broken by now, was not touched.
  assert.deepEqual(again.merged, []);
  assert.deepEqual(
    again.setAside.map(({ pair }) => pair),
    ['USDJPY'],
  );
  await rm(broken, { recursive: true });
});
