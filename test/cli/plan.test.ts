import assert from 'node:assert/strict';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { takeLocks } from '../../src/guard/lock.ts';
import type { PairPlan } from '../../src/cli/pair-plan.ts';
import { openCli } from './support.ts';
import type { Cli } from './support.ts';

let cli: Cli;
before(async () => {
  // Without the curves that were measured on this machine.
  cli = await openCli({ XDG_STATE_HOME: 'state' });
  const size = ['--files', '40', '--columns', '30', '--rows', '3000'];
  await cli.run(
    'sample',
    '--out',
    's',
    '--pairs',
    'X,Y,Z',
    ...size,
    '--misaligned',
    '10%',
    '--misaligned-pairs',
    'Y',
    '--broken-pairs',
    'Z',
  );
});
after(() => cli.close());

const pairsOf = (json: unknown): PairPlan[] => (json as { pairs: PairPlan[] }).pairs;

test('a folder: what it holds, what BigQuery would need, and each term of the cost', async () => {
  const run = await cli.run('plan', 's/X', '--json');
  assert.equal(run.exitCode, 0, run.stderr);
  assert.match(run.stdout, /^X: 40 files, 1,201 columns x 3,000 rows, .* on disk$/m);
  assert.match(run.stdout, /27\.5 MiB of values, in 1 vertical partition of 1,200 columns$/m);
  assert.match(run.stdout, /^ +\$0\.0023 .* 41 of 41 tables are below the 10 MB billed at least$/m);
  assert.match(run.stdout, /^\$0\.\d{4} in all; the budget is \$25\.00$/m);
  const [own] = pairsOf(run.json);
  assert.equal(own!.estimate!.logicalBytes, 1_200 * 3_000 * 8);
  assert.deepEqual(own!.estimate!.partitions, [{ columns: 1_200, tables: 41, billedBytes: 41 * 10 * 2 ** 20 }]);
  // It only reads.
  assert.deepEqual(await readdir(cli.folder), ['s']);
});

test('each engine: what it would take of memory, time, disk and dollars, whether it fits, and which is chosen', async () => {
  const config = {
    ...{ name: 'own', root: 's', output: 'merged', pairs: ['X'], key: 'interval_time' },
    ...{ backends: ['duckdb', 'local', 'bigquery'], limits: { memory: '300MiB' } },
  };
  await writeFile(join(cli.folder, 'own.yaml'), JSON.stringify(config));
  const run = await cli.run('plan', 'own.yaml', '--json');
  assert.equal(run.exitCode, 0, run.stderr);
  assert.match(run.stdout, /^engine +memory +time +disk +dollars +fits$/m);
  assert.match(run.stdout, /^local +\d\d\.\d MiB +\d\.\d s +20\.\d MiB +0 +yes$/m);
  assert.match(run.stdout, /^duckdb +\d+ MiB .* no +needs a limit of 1\.\d+ GiB: it counts what it reserves, too$/m);
  assert.match(run.stdout, /^bigquery .* 0\.00\d\d +no +bigquery\.project is not set$/m);
  assert.match(run.stdout, /^limits: 300 MiB of memory, 30 min 00 s; memory by the curves that are built in/m);
  assert.match(run.stdout, /^chosen: local, of duckdb -> local -> bigquery: duckdb is expected to run out of memory /m);
  const [own] = pairsOf(run.json);
  assert.deepEqual(
    own!.engines.map(({ engine, peakFrom, fits }) => [engine, peakFrom, fits]),
    [
      ['local', 'built in', true],
      ['duckdb', 'built in', false],
      ['polars', 'built in', true],
      ['dask', 'built in', false],
      ['pandas', 'built in', true],
      ['bigquery', 'built in', false],
      ['command', null, null],
    ],
  );
  for (const { engine, peakBytes, fastMs, slowMs, diskBytes, dollars } of own!.engines)
    if (engine !== 'command')
      assert.ok(peakBytes! > 2 ** 24 && fastMs! > 0 && slowMs! >= fastMs! && diskBytes! > 2e7 && dollars! >= 0, engine);
  assert.equal(own!.choice!.engine, 'local');
});

test('measured curves that are broken are told, and those that are built in stand in', async () => {
  await mkdir(join(cli.folder, 'state', 'widemerge'), { recursive: true });
  await writeFile(join(cli.folder, 'state', 'widemerge', 'curves.json'), 'no');
  const run = await cli.run('plan', 's/X');
  assert.equal(run.exitCode, 0);
  assert.match(run.stderr, /curves\.json is broken; what is built in is used/);
  assert.match(run.stdout, /^chosen: local, the first of local -> bigquery: local fits$/m);
  await rm(join(cli.folder, 'state'), { recursive: true });
});

test("a configuration: all pairs and their sum, in the configuration's own prices; a broken pair says why", async () => {
  const config = {
    ...{ name: 'fx', root: 's', output: 'merged', pairs: '*', key: 'interval_time' },
    bigquery: { workerLocation: 'US', budget: 0.001, prices: { queryPerTiB: 62.5 } },
  };
  await writeFile(join(cli.folder, 'fx.yaml'), JSON.stringify(config));
  const run = await cli.run('plan', 'fx.yaml', '--json');
  assert.equal(run.exitCode, 3, run.stderr);
  assert.match(run.stdout, /^X +40 +1,201 +3,000 /m);
  assert.match(run.stdout, /^Z .* CheckpointInvalid: .*checkpoint_040\.parquet/m);
  assert.match(run.stdout, /for 2 pairs:$/m);
  assert.match(run.stdout, /^engine +most memory +time in all +disk in all +dollars +fits$/m);
  assert.match(run.stdout, /^chosen for all 2 pairs: local, the first of local -> bigquery: local fits$/m);
  assert.match(run.stdout, /no egress: the worker is where the dataset is \(US\)/);
  assert.match(run.stdout, /the budget is \$0\.0010: it would stop before its end$/m);
  const [x, y, z] = pairsOf(run.json);
  assert.ok(x!.estimate!.dollars > 0.024 && x!.estimate!.dollars < 0.025);
  assert.ok(y!.survey!.rowsLeast < y!.survey!.rowsMost && y!.survey!.otherRows > 0);
  assert.equal(z!.failure?.type, 'CheckpointInvalid');
});

test('tables that stay: what they cost a month, and nothing that is read back', async () => {
  const config = {
    ...{ name: 'fx', root: 's', output: 'merged', pairs: ['X'], key: 'interval_time', backends: ['bigquery'] },
    bigquery: { output: 'tables' },
  };
  await writeFile(join(cli.folder, 'left.yaml'), JSON.stringify(config));
  const run = await cli.run('plan', 'left.yaml');
  assert.equal(run.exitCode, 0, run.stderr);
  assert.match(
    run.stdout,
    /^the tables that stay in widemerge_merged: 27\.5 MiB, \$0\.0005 a month at \$0\.02 per GiB/m,
  );
  assert.match(run.stdout, /no egress: the tables stay where they are$/m);
  assert.match(run.stdout, /0 B read back/);
});

test('a plan is made while another merge holds the machine', async () => {
  const locks = takeLocks([join(cli.folder, 'machine.lock')]);
  try {
    assert.equal((await cli.run('plan', 's/X')).exitCode, 0);
  } finally {
    locks.close();
  }
});

test('a folder that cannot be merged is a failure; what cannot be read, and options of the wrong kind, are usage', async () => {
  const broken = await cli.run('plan', 's/Z', '--json');
  assert.equal(broken.exitCode, 3);
  assert.equal((broken.json as { type: string }).type, 'CheckpointInvalid');
  const wrongKey = await cli.run('plan', 's/X', '--key', 'time');
  assert.match(wrongKey.stderr, /has no key column time/);
  assert.equal((await cli.run('plan', 'nowhere')).exitCode, 2);
  const none = { name: 'none', root: 's', output: 'merged', pairs: 'Q*', key: 'interval_time' };
  await writeFile(join(cli.folder, 'none.yaml'), JSON.stringify(none));
  const noPairs = await cli.run('plan', 'none.yaml');
  assert.equal(noPairs.exitCode, 2);
  assert.match(noPairs.stderr, /matches pairs: Q\*/);
  assert.match((await cli.run('plan', 'fx.yaml', '--key', 'k')).stderr, /are for a folder/);
});
