import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { openCli } from './support.ts';
import type { Cli } from './support.ts';

let cli: Cli;
before(async () => {
  cli = await openCli();
});
after(() => cli.close());

const small = ['--files', '4', '--columns', '9', '--rows', '300'];
const rowsOf = async (path: string): Promise<Record<string, unknown>[]> =>
  parquetReadObjects({ file: await asyncBufferFromFile(join(cli.folder, path)), compressors });

test('writes folders of pairs with a time index, walks, counts, NaN and nulls', async () => {
  const run = await cli.run('sample', '--out', 's', '--pairs', '2', ...small, '--json');
  assert.equal(run.exitCode, 0, run.stderr);
  assert.equal((run.json as { files: number }).files, 8);
  assert.deepEqual((await readdir(join(cli.folder, 's'))).toSorted(), ['EURAUD', 'EURGBP']);
  const files = (await readdir(join(cli.folder, 's/EURAUD'))).toSorted();
  assert.deepEqual(
    files,
    [1, 2, 3, 4].map((n) => `checkpoint_00${n}.parquet`),
  );
  const rows = await rowsOf('s/EURAUD/checkpoint_001.parquet');
  assert.equal(rows.length, 300);
  assert.equal(Object.keys(rows[0]!).length, 10);
  const times = rows.map((row) => (row['interval_time'] as Date).getTime());
  assert.ok(times.every((time, index) => index === 0 || time > times[index - 1]!));
  const values = rows.flatMap((row) => Object.values(row));
  assert.ok(values.includes(null) && values.some((value) => Number.isNaN(value)));
});

test('the same seed gives the same values, another one others', async () => {
  for (const [out, seed] of [
    ['a', '5'],
    ['b', '5'],
    ['c', '6'],
  ] as const)
    assert.equal((await cli.run('sample', '--out', out, '--pairs', 'X', '--seed', seed, ...small)).exitCode, 0);
  const file = 'X/checkpoint_002.parquet';
  assert.deepEqual(await rowsOf(`a/${file}`), await rowsOf(`b/${file}`));
  assert.notDeepEqual(await rowsOf(`a/${file}`), await rowsOf(`c/${file}`));
});

test('misaligned and broken files are only in the pairs that are named', async () => {
  const faults = ['--misaligned', '100%', '--misaligned-pairs', 'Y', '--broken-pairs', 'Z'];
  assert.equal((await cli.run('sample', '--out', 'f', '--pairs', 'X,Y,Z', ...small, ...faults)).exitCode, 0);
  const keys = async (pair: string, file: number) =>
    (await rowsOf(`f/${pair}/checkpoint_00${file}.parquet`)).map((row) => (row['interval_time'] as Date).getTime());
  const spine = await keys('X', 1);
  for (const file of [2, 3, 4]) assert.deepEqual(await keys('X', file), spine);
  assert.deepEqual(await keys('Y', 1), spine);
  for (const file of [2, 3, 4]) assert.notDeepEqual(await keys('Y', file), spine);
  await keys('Z', 3);
  const broken = await readFile(join(cli.folder, 'f/Z/checkpoint_004.parquet'));
  assert.notEqual(broken.subarray(-4).toString(), 'PAR1');
});

test('a folder with something in it is left alone', async () => {
  await cli.run('sample', '--out', 'g', '--pairs', 'X', ...small);
  const again = await cli.run('sample', '--out', 'g', '--pairs', 'X', ...small);
  assert.equal(again.exitCode, 2);
  assert.match(again.stderr, /is not empty/);
});

test('init finds the pairs, their number of files and the key, and its configuration is taken', async () => {
  await cli.run('sample', '--out', 'h', '--pairs', 'X,Y', ...small);
  const run = await cli.run('init', 'h', '--out', 'h.yaml');
  assert.equal(run.exitCode, 0, run.stderr);
  const { loadConfig } = await import('../../src/config/load.ts');
  const config = await loadConfig(join(cli.folder, 'h.yaml'));
  assert.deepEqual(config.pairs, ['X', 'Y']);
  assert.equal(config.root, join(cli.folder, 'h'));
  assert.equal(config.key, 'interval_time');
  assert.equal(config.checkpoints.expected, 4);
  assert.equal((await cli.run('init', 'h', '--out', 'h.yaml')).exitCode, 2);
  const otherKey = await cli.run('init', 'h', '--out', 'k.yaml', '--key', 'time');
  assert.equal(otherKey.exitCode, 2);
  assert.match(otherKey.stderr, /checkpoint_001\.parquet has no column time; it has interval_time, /);
  const nowhere = await cli.run('init', 'h', '--out', 'nowhere/h.yaml');
  assert.equal(nowhere.exitCode, 2);
  assert.match(nowhere.stderr, /^widemerge: nowhere\/h\.yaml cannot be written \(ENOENT\)$/m);
});
