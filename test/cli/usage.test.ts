import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { openCli } from './support.ts';
import type { Cli } from './support.ts';

let cli: Cli;
before(async () => {
  cli = await openCli({ TEMPORAL_ADDRESS: '127.0.0.1:1' });
});
after(() => cli.close());

test('--help and --version end with 0', async () => {
  const help = await cli.run('--help');
  assert.equal(help.exitCode, 0);
  for (const command of [
    'merge',
    'sample',
    'init',
    'run',
    'worker',
    'status',
    'pause',
    'resume',
    'pivot',
    'skip',
    'retry',
    'cancel',
    'server',
    'schedule',
    'budget',
    'demo',
  ])
    assert.match(help.stdout, new RegExp(`^  ${command}\\b`, 'm'));
  assert.match((await cli.run('--version')).stdout, /^\d+\.\d+\.\d+\n$/);
});

test('a reader that goes away ends it without a word', async () => {
  const command = cli.start('engines');
  command.stdout.destroy();
  const [exitCode, stderr] = await Promise.all([command.ended, text(command.stderr)]);
  assert.deepEqual([exitCode, stderr], [141, '']);
});

const wrong: [string, string[], RegExp][] = [
  ['no such command', ['murge'], /unknown command 'murge'/],
  ['no such flag', ['merge', 'x', '--out', 'y', '--kee', 'z'], /unknown option '--kee'/],
  ['a flag that is missing', ['merge', 'x'], /--out <file>' not specified/],
  ['a size without a unit', ['merge', 'x', '--out', 'y', '--memory', '4'], /Give a size with its unit/],
  ['a mode that is none', ['merge', 'x', '--out', 'y', '--rows', 'all'], /Allowed choices are union, reference/],
  ['row groups of no rows', ['merge', 'x', '--out', 'y', '--row-group-rows', '5'], /a whole number from 1000 to /],
  ['a reference without its mode', ['merge', 'x', '--out', 'y', '--reference', 'a'], /give both/],
  ['no pairs', ['sample', '--out', 'x', '--pairs', '0'], /whole number from 1/],
  [
    'a pair that is not written',
    ['sample', '--out', 'x', '--pairs', '1', '--broken-pairs', 'XXX'],
    /XXX is not one of/,
  ],
  ['a backend that is none', ['pivot', 'fx', 'spark'], /spark is no backend/],
  ['an engine without its command', ['merge', 'x', '--out', 'y', '--engine', 'command'], /give both/],
  ['a command that is no list', ['merge', 'x', '--out', 'y', '--command', 'cat {plan} {out}'], /Give a list in JSON/],
  ['an environment of no engine', ['engines', 'spark'], /'spark' is invalid/],
  ['a configuration that is not there', ['run', 'none.yaml'], /none\.yaml: cannot be read \(ENOENT\)/],
  ['a group without its command', ['schedule'], /^ +create .*^widemerge: a command is missing/ms],
  ['no such command of a group', ['schedule', 'crate'], /\(widemerge schedule --help says more\)/],
  ['a configuration in place of a run', ['skip', './none.yaml', 'A'], /none\.yaml: cannot be read/],
  ['a schedule without times', ['schedule', 'create', 'none.yaml'], /say when/],
  ['an output among its sources', ['merge', '.', '--out', 'y.parquet'], /would be one of the files to merge/],
  ['a key with a column twice', ['merge', 'x', '--out', 'y', '--key', 'a,b', '--key', 'a'], /It has a twice/],
  ['a key without a name', ['merge', 'x', '--out', 'y', '--key', 'a,'], /Give names of columns/],
  ['an empty folder name', ['merge', '', '--out', 'y'], /argument 'dir'\. It is empty/],
  ['less memory than a process takes', ['merge', 'x', '--out', 'y', '--memory', '1MiB'], /less than 64MiB/],
  ['pairs that lie elsewhere', ['sample', '--out', 'x', '--pairs', '../A'], /\.\.\/A is no name of a folder/],
  ['a pair given twice', ['sample', '--out', 'x', '--pairs', 'A,B,A'], /A is no name of a folder, or given twice/],
  ['a folder of nothing', ['init', '.'], /no \*\.parquet files/],
];
for (const [what, args, expected] of wrong)
  test(`${what}: exit code 2 and a line that says it`, async () => {
    const { exitCode, stderr } = await cli.run(...args);
    assert.match(stderr, expected);
    assert.equal(exitCode, 2);
    assert.doesNotMatch(stderr, /\n\s+at /);
  });

test('a configuration with problems: each on its line, exit code 2, JSON where it is asked for', async () => {
  await writeFile(
    join(cli.folder, 'bad.yaml'),
    'name: x\nroot: a\noutput: b\npairs: [A, A]\nkey: k\nlimits: {memory: 4}\n',
  );
  const { exitCode, stderr, json } = await cli.run('run', 'bad.yaml', '--json');
  assert.equal(exitCode, 2);
  assert.match(stderr, /bad\.yaml: pairs\[1\]: "A"; expected each pair once/);
  assert.match(stderr, /bad\.yaml: limits\.memory: 4; expected a size with its unit/);
  assert.equal((json as { type: string }).type, 'ConfigInvalid');
});

test('wrong usage is an object for machines, too', async () => {
  const { exitCode, json } = await cli.run('merge', 'x', '--out', 'y', '--rows', 'all', '--json');
  assert.equal(exitCode, 2);
  const { type, message } = json as { type: string; message: string };
  assert.equal(type, 'ConfigInvalid');
  assert.match(message, /^option '--rows <mode>' argument 'all' is invalid/);
});

test('no server: exit code 3, a line that says what to do, the stack with --verbose', async () => {
  const { exitCode, stderr } = await cli.run('status', 'fx');
  assert.equal(exitCode, 3);
  assert.match(stderr, /no Temporal server answers on 127\.0\.0\.1:1: start one/);
  const verbose = await cli.run('status', 'fx', '--verbose');
  assert.ok(verbose.stderr.startsWith(stderr), 'the line comes first');
  assert.match(verbose.stderr, /\n\s+at .*\ncaused by /s);
});
