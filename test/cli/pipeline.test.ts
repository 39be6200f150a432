import assert from 'node:assert/strict';
import { access, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { ensureTemporalBinary } from '../../src/server/ensure.ts';
import { startServer } from '../../src/server/start.ts';
import type { RunningServer } from '../../src/server/start.ts';
import type { RunResult } from '../../src/payloads.ts';
import type { RunStatus } from '../../src/client/read-status.ts';
import { openCli } from './support.ts';
import type { Cli } from './support.ts';

let server: RunningServer;
let cli: Cli;
let worker: ReturnType<Cli['start']>;

before(async () => {
  server = await startServer({ binary: await ensureTemporalBinary(console.error), dbFilename: null, uiPort: 0 });
  cli = await openCli({ TEMPORAL_ADDRESS: server.address });
  const shape = ['--files', '3', '--columns', '4', '--rows', '200'];
  await cli.run('sample', '--out', 's', '--pairs', 'A,B,C', ...shape, '--broken-pairs', 'B');
  const config = ['name: t', 'root: s', 'output: m', "pairs: '*'", 'key: interval_time', 'limits: {memory: 1GiB}'];
  config.push('health: {minFreeMemory: 0B, minFreeDisk: 0B, maxSwapUsed: 100%}');
  await writeFile(join(cli.folder, 't.yaml'), config.join('\n'));
  await mkdir(join(cli.folder, 'm'));
  worker = cli.start('worker');
  for await (const line of createInterface(worker.stdout)) if (/ serves /.test(line)) break;
  worker.stdout.resume();
  worker.stderr.resume();
});
after(async () => {
  await cli.close();
  await server.stop();
});

test('run merges the pairs, sets the broken one aside, and ends with 3', async () => {
  const run = await cli.run('run', 't.yaml', '--json');
  assert.equal(run.exitCode, 3, run.stderr + run.stdout);
  const result = run.json as RunResult;
  assert.deepEqual(result.merged, ['A', 'C']);
  assert.equal(result.setAside[0]?.failure, 'CheckpointInvalid');
  assert.match(run.stdout, /set aside: B: .*widemerge retry t B/);
  assert.match(run.stderr, /^A {2}merged: 13 columns x 200 rows/m);
  await access(join(cli.folder, 'm/A.parquet'));
});

test('clean takes the name of a run, whose configuration the server has', async () => {
  const { exitCode, stdout, stderr } = await cli.run('clean', 't', '--dry-run');
  assert.equal(exitCode, 0, stderr);
  assert.match(stdout, /^A: 3 checkpoints, .* would be deleted$/m);
  assert.match(stdout, /^C: 3 checkpoints/m);
  assert.doesNotMatch(stdout, /^B/m, 'it was set aside');
  const nobody = await cli.run('clean', 'nobody', '--dry-run');
  assert.equal(nobody.exitCode, 2);
  assert.equal(nobody.stderr.trimEnd().split('\n').length, 1);
});

test('status says the same, for people and for machines', async () => {
  const { stdout, json } = await cli.run('status', 't', '--json');
  assert.equal(stdout.trimEnd().split('\n').length, 1);
  assert.deepEqual(
    (json as RunStatus).progress.pairs.map(({ pair, state }) => [pair, state]),
    [
      ['A', 'merged'],
      ['B', 'setAside'],
      ['C', 'merged'],
    ],
  );
  const people = await cli.run('status', 't');
  assert.match(people.stdout, /^t is done, 2 of 3 pairs merged, 1 set aside$/m);
});

test('signals reach an open run; without one they say so', async () => {
  const none = await cli.run('pause', 'nobody');
  assert.equal(none.exitCode, 2);
  assert.match(none.stderr, /no run nobody is open/);

  await cli.run('retry', 't', 'B');
  await writeFile(join(cli.folder, 'u.yaml'), 'name: u\nroot: s\noutput: m\npairs: [A]\nkey: interval_time\n');
  const started = await cli.run('run', 'u.yaml', '--detach', '--json');
  assert.equal(started.exitCode, 0, started.stderr);
  assert.deepEqual(started.json, { workflowId: 'widemerge/u', attached: false });
});

test('a pair that an open run does not have is refused; a configuration stands for its run', async () => {
  await writeFile(join(cli.folder, 'w.yaml'), 'name: w\nroot: s\noutput: n\npairs: [A, C]\nkey: interval_time\n');
  // More free memory than there is: the run waits, and stays open.
  await writeFile(join(cli.folder, 'w.yaml'), 'health: {minFreeMemory: 1000TiB}\n', { flag: 'a' });
  await mkdir(join(cli.folder, 'n'));
  await cli.run('run', 'w.yaml', '--detach');
  const unknown = 'widemerge: run w has no pair X: it has A, C\n';
  for (const args of [
    ['skip', 'w', 'X'],
    ['retry', 'w', 'X'],
    ['pivot', 'w', 'duckdb', '--pair', 'X'],
  ]) {
    const { exitCode, stdout, stderr } = await cli.run(...args);
    assert.deepEqual([exitCode, stdout, stderr], [2, '', unknown]);
  }
  const refused = await cli.run('retry', 'w.yaml', 'C');
  assert.equal(refused.exitCode, 2);
  assert.match(refused.stderr, /^widemerge: run w refuses this: C is waiting: only what was set aside/);
  const taken = await cli.run('skip', 'w.yaml', 'C');
  assert.deepEqual([taken.exitCode, taken.stderr], [0, '']);
  assert.equal((await cli.run('cancel', 'w.yaml')).exitCode, 0);
});

test('a run that fails as a whole says so, in its status too', async () => {
  await writeFile(join(cli.folder, 'f.yaml'), "name: f\nroot: nowhere\noutput: m\npairs: '*'\nkey: interval_time\n");
  const why = /^(widemerge: )?ConfigInvalid: the folder of the pairs, .*nowhere, cannot be read/m;
  const run = await cli.run('run', 'f.yaml');
  assert.equal(run.exitCode, 3);
  assert.match(run.stderr, why);
  const { exitCode, stdout } = await cli.run('status', 'f.yaml');
  assert.equal(exitCode, 0);
  assert.match(stdout, /^f has failed, 0 of 0 pairs merged/);
  assert.match(stdout, why);
});

test('a schedule is created, listed, paused and deleted', async () => {
  const created = await cli.run('schedule', 'create', 't.yaml', '--cron', '0 3 * * *');
  assert.equal(created.exitCode, 0, created.stderr);
  assert.match(created.stdout, /next start \d{4}-.*T03:00/);
  assert.equal((await cli.run('schedule', 'create', 't.yaml', '--every', '1h')).exitCode, 2);
  assert.equal((await cli.run('schedule', 'pause', 't')).exitCode, 0);
  assert.equal((await cli.run('schedule', 'delete', 't')).exitCode, 0);
  assert.equal((await cli.run('schedule', 'pause', 't')).exitCode, 2);
});

test('the worker drains at SIGTERM and ends with 0', async () => {
  worker.signal('SIGTERM');
  assert.equal(await worker.ended, 0);
});

test('run without a worker says what is missing, and Ctrl-C detaches', async () => {
  await writeFile(join(cli.folder, 'v.yaml'), 'name: v\nroot: s\noutput: m\npairs: [A]\nkey: interval_time\n');
  await cli.run('run', 'v.yaml', '--detach');
  const attached = cli.start('run', 'v.yaml');
  attached.stdout.resume();
  for await (const line of createInterface(attached.stderr)) if (/no worker answers/.test(line)) break;
  attached.stderr.resume();
  attached.signal('SIGINT');
  assert.equal(await attached.ended, 130);
  assert.equal((await cli.run('cancel', 'v')).exitCode, 0);
});
