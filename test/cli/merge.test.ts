import assert from 'node:assert/strict';
import { access, mkdir, readdir, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { writeParquet } from '../support/parquet-by-sql.ts';
import { openCli } from './support.ts';
import type { Cli } from './support.ts';

let cli: Cli;
before(async () => {
  cli = await openCli();
  const samples = ['--files', '6', '--columns', '5', '--rows', '3000', '--misaligned', '40%'];
  await cli.run('sample', '--out', 's', '--pairs', 'X,Z', ...samples, '--broken-pairs', 'Z');
});
after(() => cli.close());

test('merges a folder, and ends with the agreed line of JSON', async () => {
  const run = await cli.run('merge', 's/X', '--out', 'x.parquet', '--json');
  assert.equal(run.exitCode, 0, run.stderr);
  const json = run.json as Record<string, number | string>;
  const fields = [
    'files',
    'rows',
    'columns',
    'aligned',
    'realigned',
    'bytesIn',
    'bytesOut',
    'bytesCloned',
    'bytesCopied',
  ];
  const ours = ['wallMs', 'bytesRewritten', 'rowGroups', 'peakMemoryBytes', 'peakRssBytes', 'output', 'verified'];
  assert.deepEqual(Object.keys(json), [...fields, ...ours]);
  assert.equal(json['files'], 6);
  assert.equal(json['columns'], 31);
  assert.equal(json['output'], join(cli.folder, 'x.parquet'));
  assert.equal(json['verified'], 'bytes');
  assert.ok(Number(json['peakMemoryBytes']) > 20e6);
  assert.ok(Number(json['peakRssBytes']) > Number(json['peakMemoryBytes']));
  // Plain lines: no terminal, no redrawing.
  assert.ok(!run.stderr.includes('\u001B'));
  const again = await cli.run('merge', 's/X', '--out', 'x.parquet', '--json');
  assert.equal(again.exitCode, 0);
  assert.match(again.stdout, /nothing to do/);
});

test('a key of several columns is a list, or an option for each; a comma in a name is \\,', async () => {
  const own = join(cli.folder, 'pairs');
  await mkdir(own);
  await writeParquet({
    [join(own, 'a.parquet')]: 'SELECT range % 2 AS s, range AS "k,1", range AS a FROM range(9)',
    [join(own, 'b.parquet')]: 'SELECT range AS "k,1", range AS b, range % 2 AS s FROM range(9)',
  });
  for (const [index, key] of [
    ['--key', 's,k\\,1'],
    ['--key', 's', '--key', 'k\\,1'],
  ].entries()) {
    const run = await cli.run('merge', 'pairs', '--out', `k${index}.parquet`, ...key, '--json');
    assert.equal(run.exitCode, 0, run.stderr);
    assert.equal((run.json as { columns: number }).columns, 4);
  }
  const one = await cli.run('merge', 'pairs', '--out', 'k.parquet', '--key', 's');
  assert.equal(one.exitCode, 3);
  assert.match(one.stderr, /the column k,1, which a\.parquet has, too; rename one, or make it a part of the key/);
  const found = await cli.run('init', 'pairs', '--out', 'pairs.yaml', '--key', 's,k\\,1');
  assert.equal(found.exitCode, 0, found.stderr);
  assert.match(await readFile(join(cli.folder, 'pairs.yaml'), 'utf8'), /^key: \["s","k,1"\]$/m);
  const planned = await cli.run('plan', 'pairs.yaml', '--json');
  assert.equal(planned.exitCode, 0, planned.stderr);
  assert.match(planned.stdout, /its key has 2 columns, and BigQuery is given keys of one/);
  const verified = await cli.run('verify', 'k0.parquet', '--sources');
  assert.equal(verified.exitCode, 0, verified.stderr);
});

test('--verify none leaves verification out and says so', async () => {
  const run = await cli.run('merge', 's/X', '--out', 'n.parquet', '--verify', 'none', '--json');
  assert.equal(run.exitCode, 0, run.stderr);
  assert.equal((run.json as { verified: string }).verified, 'none');
});

test('a failure is one line for people, one object for machines, and exit code 3', async () => {
  const run = await cli.run('merge', 's/Z', '--out', 'z.parquet', '--json');
  assert.equal(run.exitCode, 3);
  const json = run.json as Record<string, string>;
  assert.equal(json['type'], 'CheckpointInvalid');
  assert.match(json['file'] ?? '', /checkpoint_006\.parquet$/);
  assert.deepEqual(Object.keys(json).toSorted(), ['file', 'message', 'type']);
  assert.match(run.stderr, /^widemerge: CheckpointInvalid: /m);
  assert.ok(!(await readdir(cli.folder)).includes('z.parquet'));
});

test('an output that would be one of the sources is wrong usage, as the engine reads the pattern and the folder', async () => {
  await symlink('s/X', join(cli.folder, 'link'));
  for (const [dir, out, pattern] of [
    ['s/X', 'link/out.parquet', '*.parquet'],
    ['link', 's/X/out.parquet', '*.parquet'],
    ['s/X', 's/X/x[1].parquet', 'x[1].parquet'],
  ] as const) {
    const run = await cli.run('merge', dir, '--out', out, '--pattern', pattern);
    assert.equal(run.exitCode, 2, `${out}: ${run.stderr}`);
    assert.match(run.stderr, /would be one of the files to merge/);
  }
  // Not one of them to the engine, which reads brackets as they are: it goes on, and finds no files.
  const other = await cli.run('merge', 's/X', '--out', 's/X/x1.parquet', '--pattern', 'x[1].parquet');
  assert.equal(other.exitCode, 3);
  assert.match(other.stderr, /holds no files that match x\[1\]\.parquet/);
});

test('a merge while another one holds the machine says who, and one that is interrupted ends with 130', async () => {
  await cli.run(
    'sample',
    '--out',
    'big',
    '--pairs',
    'B',
    '--files',
    '60',
    '--columns',
    '30',
    '--rows',
    '2000',
    '--misaligned',
    '100%',
  );
  const first = cli.start('merge', 'big/B', '--out', 'big.parquet');
  first.stdout.resume();
  first.stderr.resume();
  await until(async () => isThere(join(cli.folder, '.big.parquet.widemerge')));
  const second = await cli.run('merge', 's/X', '--out', 'y.parquet', '--json');
  assert.equal(second.exitCode, 3);
  assert.equal((second.json as { type: string }).type, 'MachineBusy');
  first.signal('SIGINT');
  assert.equal(await first.ended, 130);
  await assert.rejects(access(join(cli.folder, 'big.parquet')));
});

const isThere = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );

async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!(await condition())) {
    assert.ok(performance.now() < deadline, 'waited for a minute');
    await delay(20);
  }
}
