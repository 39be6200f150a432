import assert from 'node:assert/strict';
import { cp, mkdir, open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import { takeLocks } from '../../src/guard/lock.ts';
import { spread } from '../../src/cli/columns-range.ts';
import type { PairPlan } from '../../src/cli/pair-plan.ts';
import type { Profile } from '../../src/cli/profile-view.ts';
import { openCli, type Cli } from './support.ts';

const STATE = 'state';
const WORK = 'work';
let cli: Cli;
before(async () => {
  cli = await openCli({ XDG_STATE_HOME: STATE });
  const size = ['--columns', '40', '--rows', '6000'];
  assert.equal((await cli.run('sample', '--out', 's', '--pairs', 'X', '--files', '24', ...size)).exitCode, 0);
  assert.equal((await cli.run('sample', '--out', 'few', '--pairs', 'X', '--files', '2', ...size)).exitCode, 0);
  await mkdir(join(cli.folder, WORK));
});
after(() => cli.close());

const profile = (dir: string, ...args: string[]) => cli.run('profile', dir, '--work-dir', WORK, '--json', ...args);
const peakOf = async (engine: string) => {
  const { json } = await cli.run('plan', 's/X', '--json');
  return (json as { pairs: PairPlan[] }).pairs[0]!.engines.find((own) => own.engine === engine)!;
};

test('an engine on growing parts of a folder: points, a line through them, the whole; plan then uses it', async () => {
  assert.equal((await peakOf('duckdb')).peakFrom, 'built in');
  const run = await profile('s/X', '--engine', 'duckdb', '--columns', '10%..75%', '--points', '4', '--svg', 'p.svg');
  assert.equal(run.exitCode, 0, run.stderr);
  const own = run.json as Profile & { kept: string };
  assert.deepEqual(
    own.points.map(({ files, columns, values }) => [files, columns, values]),
    [2, 8, 13, 18].map((files) => [files, files * 40 + 1, (files * 40 + 1) * 6_000]),
  );
  assert.ok(own.line.slope > 10 && own.line.slope < 200, `${own.line.slope} bytes a value`);
  assert.equal(own.ended, null);
  assert.deepEqual(own.whole, { columns: 961, rows: 6_000, values: 961 * 6_000 });
  assert.match(run.stdout, /^files +columns +values +peak +fitted +error +time$/m);
  assert.match(run.stdout, /bytes a value, at 6,000 rows; off by \d+\.\d % at most$/m);
  assert.match(run.stdout, /^the whole, 961 columns x 6,000 rows: .* expected, within the limit of /m);
  assert.match(await readFile(join(cli.folder, 'p.svg'), 'utf8'), /^<svg /);
  assert.deepEqual(await readdir(join(cli.folder, WORK)), [], 'what it wrote is gone');
  const planned = await peakOf('duckdb');
  assert.equal(planned.peakFrom, 'measured');
  assert.ok(Math.abs(planned.peakBytes! - (own.line.intercept + own.line.slope * own.whole.values)) < 1e4);
  const text = (await cli.run('plan', 's/X')).stdout;
  assert.match(text, /memory of duckdb as measured here, of the others as built in$/m);
});

test('a point above the limit ends the series: the curve is of those before it, and says so', async () => {
  const limited = ['--columns', '5%..100%', '--points', '8', '--memory', '220MiB'];
  const run = await profile('s/X', '--engine', 'duckdb', ...limited);
  assert.equal(run.exitCode, 0, run.stderr);
  const { points, ended, whole } = run.json as Profile;
  assert.ok(points.length >= 3 && points.length < 8, `${points.length} points`);
  assert.equal(ended?.type, 'MemoryExhausted');
  assert.ok(whole !== null);
  assert.match(run.stdout, /files ended with MemoryExhausted, and none were tried after it: /);
  assert.match(run.stdout, /expected, above the limit of 220 MiB$/m);
  assert.deepEqual(await readdir(join(cli.folder, WORK)), []);
});

test('what gives no curve is one line: a limit too low, files too few, an engine that cannot be had', async () => {
  const low = await profile('s/X', '--engine', 'duckdb', '--memory', '84MiB');
  assert.equal(low.exitCode, 3);
  assert.equal((low.json as { type: string }).type, 'MemoryExhausted');
  assert.match(low.stderr, /too few for a curve: .*; begin the range lower, or raise --memory$/m);
  const few = await profile('few/X', '--engine', 'duckdb');
  assert.equal(few.exitCode, 2);
  assert.match(few.stderr, /has 2 files \(\*\.parquet\), of which the range makes 2 points, where a curve takes 3/);
  const absent = ['--engine', 'command', '--command', '["nowhere-to-be-found", "{plan}", "{out}"]'];
  const gone = await profile('s/X', ...absent);
  assert.equal(gone.exitCode, 3);
  assert.match(gone.stderr, /^widemerge: BackendUnavailable: .*nowhere-to-be-found is not on the PATH$/m);
  assert.deepEqual(await readdir(join(cli.folder, WORK)), []);
});

test('interrupted, it leaves nothing behind', async () => {
  const run = cli.start('profile', 's/X', '--engine', 'duckdb', '--work-dir', WORK);
  run.stdout.resume();
  run.stderr.resume();
  while ((await readdir(join(cli.folder, WORK))).length === 0) await setTimeout(50);
  run.signal('SIGINT');
  assert.equal(await run.ended, 130);
  assert.deepEqual(await readdir(join(cli.folder, WORK)), []);
});

test('killed, it leaves a merged file, which the next one removes', async () => {
  const run = cli.start('profile', 's/X', '--engine', 'duckdb', '--work-dir', WORK);
  run.stdout.resume();
  run.stderr.resume();
  const named = new RegExp(`^widemerge-profile-${run.pid}-`);
  const files = async () =>
    (await readdir(join(cli.folder, WORK), { recursive: true })).filter((own) => named.test(own));
  while (!(await files()).some((name) => name.endsWith('/files'))) await setTimeout(20);
  run.signal('SIGKILL');
  await run.ended;
  assert.notDeepEqual(await files(), []);
  const next = await profile('few/X', '--engine', 'duckdb', '--columns', '1%..2%');
  assert.equal(next.exitCode, 2, 'it gives up before it writes');
  assert.notDeepEqual(await files(), []);
  // What is left of the merge itself ends by itself, and gives back the machine.
  const small = ['--engine', 'local', '--columns', '5%..20%', '--points', '3'];
  assert.equal((await profile('s/X', ...small)).exitCode, 0);
  assert.deepEqual(await readdir(join(cli.folder, WORK)), []);
});

test('a machine that is busy is waited for, and who holds it is told once', async () => {
  const held = takeLocks([join(cli.folder, 'machine.lock')]);
  held.sign(4711, 'another merge');
  const small = ['--engine', 'local', '--columns', '5%..20%', '--points', '3', '--work-dir', WORK];
  const run = cli.start('profile', 's/X', ...small);
  let said = '';
  run.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
    if (said.includes('waiting:')) held.close();
  });
  const [stdout, exitCode] = await Promise.all([text(run.stdout), run.ended]);
  assert.equal(exitCode, 0, said);
  assert.equal(said.match(/^waiting: this machine is busy with another merge: .* is held by pid 4711/gm)?.length, 1);
  assert.match(stdout, /^kept in /m);
});

test('any failure after enough points leaves their curve', async () => {
  await cp(join(cli.folder, 's', 'X'), join(cli.folder, 'bad', 'X'), { recursive: true });
  const names = (await readdir(join(cli.folder, 'bad', 'X'))).filter((name) => name.endsWith('.parquet')).toSorted();
  assert.equal(names.length, 24);
  const counts = [5, 11, 18];
  const last = names.find((name) => counts.every((count) => !spread(names, count).includes(name)))!;
  const file = await open(join(cli.folder, 'bad', 'X', last), 'r+');
  await file.write(Buffer.alloc(Math.floor((await file.stat()).size / 2), 0xff), 0, undefined, 4);
  await file.close();
  const run = await profile('bad/X', '--engine', 'duckdb', '--columns', '20%..100%', '--points', '4');
  assert.equal(run.exitCode, 0, run.stderr);
  const { points, ended } = run.json as Profile;
  assert.deepEqual(
    points.map(({ files }) => files),
    counts,
  );
  assert.deepEqual([ended?.files, ended?.type], [24, 'CheckpointInvalid']);
  assert.match(run.stdout, /^24 files ended with CheckpointInvalid, and none were tried after it: .*/m);
});

test('a curve that cannot be kept is told all the same', async () => {
  const small = ['--engine', 'local', '--columns', '5%..20%', '--points', '3', '--json'];
  const blocked = await openCli({ XDG_STATE_HOME: join(cli.folder, 'p.svg') });
  try {
    const run = await blocked.run('profile', join(cli.folder, 's/X'), ...small, '--work-dir', join(cli.folder, WORK));
    assert.equal(run.exitCode, 3);
    assert.match(run.stdout, /bytes a value, at 6,000 rows/);
    assert.equal((run.json as { type: string }).type, 'OutputUnwritable');
  } finally {
    await blocked.close();
  }
});

test('wrong usage is told before anything is merged', async () => {
  for (const [args, said] of [
    [['s/X', '--engine', 'excel'], /Allowed choices are local, duckdb, polars, dask, pandas, command/],
    [['s/X'], /required option '--engine <name>' not specified/],
    [['s/X', '--engine', 'duckdb', '--columns', '50%..5%'], /Give a range of percent that grows/],
    [['s/X', '--engine', 'duckdb', '--work-dir', 'none'], /--work-dir .*none is no folder/],
    [
      ['s/X', '--engine', 'duckdb', '--work-dir', WORK, '--svg', 'none/p.svg'],
      /--svg none\/p\.svg cannot be written \(ENOENT\)/,
    ],
    [['s/X', '--engine', 'duckdb', '--work-dir', WORK, '--svg', WORK], /--svg work cannot be written \(EISDIR\)/],
    [['s/X', '--engine', 'command'], /--command says what --engine command runs/],
  ] as const) {
    const run = await cli.run('profile', ...args);
    assert.equal(run.exitCode, 2, run.stderr);
    assert.match(run.stderr, said);
  }
  const nowhere = await profile('nowhere', '--engine', 'duckdb');
  assert.equal(nowhere.exitCode, 3);
  assert.match(nowhere.stderr, /CheckpointInvalid: .*nowhere: the folder of checkpoints cannot be read/);
});
