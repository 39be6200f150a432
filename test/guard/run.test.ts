import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { MEMORY_MEANS } from '../../src/guard/memory-means.ts';
import { runGuarded } from '../../src/guard/run.ts';
import { fixture, LIMITS, MIB, nodeCommand, processesWith, processToken, temporaryFolder } from './helpers.ts';

test('a command that ends well', async (t) => {
  const command = { ...nodeCommand(t, 'writes-garbage'), env: { EXTRA: '1' } };
  const messages: unknown[] = [];
  const report = await runGuarded(command, LIMITS, { onMessage: (message) => messages.push(message) });
  assert.deepEqual(messages, [{ event: 'first' }, { event: 'second' }, { event: 'last' }]);
  assert.equal(report.outcome, 'succeeded');
  assert.equal(report.exitCode, 0);
  assert.equal(report.reason, null);
  assert.ok(report.peakBytes > MIB && report.wallMs > 1);
  const hard: readonly (string | undefined)[] = MEMORY_MEANS;
  assert.deepEqual(
    report.means.filter((name) => !hard.includes(name)),
    ['watcher', 'oom_score_adj', 'timeout', 'stall'],
  );
  assert.ok(report.cpuMs > 1 && report.series.length > 0 && report.limitedBy === null);
  assert.match(report.stderrTail, /not a message: not json/);
});

test('the environment is minimal: the way to the service, nothing else of the caller', async () => {
  // Those of the machine that the tests run on.
  const machines = Object.keys(process.env).filter((name) =>
    /^(GOOGLE_|CLOUDSDK_|https_proxy|no_proxy|NODE_EXTRA)/i.test(name),
  );
  const command = { command: 'env', args: [], lockFiles: [], env: { EXTRA: 'of the caller' } };
  process.env['WM_SECRET'] = 'x';
  process.env['BIGQUERY_EMULATOR_HOST'] = 'http://127.0.0.1:1';
  const { stderrTail } = await runGuarded(command, LIMITS);
  delete process.env['WM_SECRET'];
  delete process.env['BIGQUERY_EMULATOR_HOST'];
  const names = stderrTail.split('\n').map((line) => line.split('=')[0]);
  assert.deepEqual(
    names.filter((name) => !['PATH', 'HOME', 'LANG', 'TMPDIR', ...machines].includes(name ?? '')).sort(),
    ['BIGQUERY_EMULATOR_HOST', 'EXTRA'],
  );
});

test('megabytes of output pass, the tail is kept', async (t) => {
  let lines = 0;
  const report = await runGuarded(nodeCommand(t, 'prints-megabytes'), LIMITS, { onStderr: () => lines++ });
  assert.equal(report.outcome, 'succeeded');
  assert.equal(lines, 8 * 1024 + 1);
  assert.ok(Buffer.byteLength(report.stderrTail) <= 4096);
  assert.match(report.stderrTail, /the end/);
  assert.doesNotMatch(report.stderrTail, /\uFFFD/);
});

test('a child that closes its channels and fails', async (t) => {
  const report = await runGuarded({ ...nodeCommand(t, 'closes-channel'), input: 'unread\n' }, LIMITS);
  assert.equal(report.outcome, 'failed');
  assert.equal(report.exitCode, 7);
  assert.equal(report.stderrTail, 'last words');
});

test("somebody else's SIGKILL, direct and through a shell", async (t) => {
  const direct = await runGuarded(nodeCommand(t, 'kills-itself', 'SIGKILL'), LIMITS);
  assert.equal(direct.outcome, 'killed');
  assert.equal(direct.signal, 'SIGKILL');
  assert.equal(direct.exitCode, null);
  const shell = await runGuarded({ command: 'sh', args: ['-c', 'exit 137'], lockFiles: [] }, LIMITS);
  assert.equal(shell.outcome, 'killed');
  assert.equal(shell.exitCode, 137);
  assert.equal(shell.signal, 'SIGKILL');
});

test('the memory limit kills at once, with the peak', async (t) => {
  const samples: number[] = [];
  const limits = { ...LIMITS, memoryBytes: 200 * MIB };
  // No hard limit: the watcher is the only line.
  const command = { ...nodeCommand(t, 'eats-memory'), memoryMeans: [] };
  const report = await runGuarded(command, limits, { onSample: (bytes) => samples.push(bytes) });
  assert.equal(report.outcome, 'memory-exhausted');
  assert.equal(report.signal, 'SIGKILL');
  assert.match(report.reason ?? '', /took \d+ MiB of memory, its limit is 200 MiB/);
  assert.ok(report.peakBytes > 200 * MIB);
  assert.equal(Math.max(...samples), report.peakBytes);
  assert.equal(Math.max(...report.series.map(([, bytes]) => bytes)), report.peakBytes);
  assert.equal(report.limitedBy, 'watcher');
});

test('a grandchild in its own session counts and dies too', async (t) => {
  const limits = { ...LIMITS, memoryBytes: 1024 * MIB, killAboveBytes: 200 * MIB };
  const report = await runGuarded(nodeCommand(t, 'forks-eater'), limits);
  assert.equal(report.outcome, 'memory-exhausted');
});

test('an orphan in its own session is swept after a good end', async (t) => {
  const file = join(temporaryFolder(t), 'seen');
  let orphan = 0;
  let samples = 0;
  const report = await runGuarded(nodeCommand(t, 'leaves-orphan', 'nothing', file), LIMITS, {
    onMessage: (message) => (orphan = (message as { pid: number }).pid),
    // By then the watcher has seen the grandchild, while its parent was alive.
    onSample: () => orphan !== 0 && ++samples === 6 && writeFileSync(file, ''),
  });
  assert.equal(report.outcome, 'succeeded');
  assert.ok(orphan > 0);
});

test('the timeout: SIGTERM first', async (t) => {
  const report = await runGuarded(nodeCommand(t, 'never-exits'), { ...LIMITS, timeoutMs: 300 });
  assert.equal(report.outcome, 'timed-out');
  assert.equal(report.signal, 'SIGTERM');
  assert.equal(report.reason, 'not done after 0.3 s');
});

test('cancellation: SIGKILL after the grace', async (t) => {
  const controller = new AbortController();
  const lines: string[] = [];
  const report = await runGuarded(
    nodeCommand(t, 'ignores-sigterm'),
    { ...LIMITS, graceMs: 300 },
    {
      signal: controller.signal,
      onMessage: () => controller.abort(),
      onStderr: (line) => lines.push(line),
    },
  );
  assert.equal(report.outcome, 'cancelled');
  assert.equal(report.signal, 'SIGKILL');
  assert.deepEqual(lines, ['SIGTERM ignored']);
});

test('cancelled before the start: nothing is started', async (t) => {
  const command = nodeCommand(t, 'never-exits');
  const running = runGuarded(command, LIMITS, { signal: AbortSignal.abort() });
  assert.deepEqual(processesWith(command.args[1] ?? ''), []);
  assert.equal((await running).outcome, 'cancelled');
});

test('a deadlock is a stall, with what its threads wait for', async (t) => {
  const evidenceFile = join(temporaryFolder(t), 'stalled.txt');
  const command = { ...nodeCommand(t, 'deadlocks'), evidenceFile };
  const report = await runGuarded(command, { ...LIMITS, stallMs: 1500 });
  assert.equal(report.outcome, 'stalled');
  assert.equal(report.signal, 'SIGKILL');
  assert.match(report.reason ?? '', /no progress for [\d.]+ s: \w+ \(pid \d+\): .*\d+ x S futex/);
  assert.ok(report.reason?.endsWith(`(all of it in ${evidenceFile})`));
  const [process = '', ...threads] = report.evidence ?? [];
  assert.match(process, /^\w+ \(pid \d+\): node deadlocks\.ts$/);
  assert.ok(
    threads.some((line) => /^ {2}\d+ threads S in futex_\w+/.test(line)),
    threads.join('\n'),
  );
  const evidence = readFileSync(evidenceFile, 'utf8');
  assert.equal(statSync(evidenceFile).mode & 0o777, 0o600);
  assert.match(evidence, /^no progress for .*\n20/);
  assert.match(evidence, /^process \d+ \(\w+\), child of \d+, S: .*deadlocks\.ts wm-test-/m);
  assert.match(evidence, /^ {2}file 3 -> socket:/m);
  assert.match(evidence, /^ {2}thread \d+ \(.*\): S \(sleeping\), waits in futex_\w+, system call \d+ /m);
});

test('a stopped process is a stall', async (t) => {
  const report = await runGuarded(nodeCommand(t, 'kills-itself', 'SIGSTOP'), { ...LIMITS, stallMs: 1000 });
  assert.equal(report.outcome, 'stalled');
  assert.match(report.reason ?? '', /x T/);
});

test('a command that cannot be started', async () => {
  const running = runGuarded({ command: '/no/such/command', args: [], lockFiles: [] }, LIMITS);
  await assert.rejects(running, /no such command|\/no\/such\/command cannot be started: .*ENOENT/);
});

test("a hook's error kills the tree and comes back", async (t) => {
  const running = runGuarded(nodeCommand(t, 'never-exits'), LIMITS, {
    onMessage: () => {
      throw new RangeError('of the hook');
    },
  });
  await assert.rejects(running, { name: 'RangeError', message: 'of the hook' });
});

test('the input stays open after its line', async (t) => {
  const controller = new AbortController();
  const messages: unknown[] = [];
  const command = { command: process.execPath, args: [fixture('ends-with-guard'), processToken(t)], lockFiles: [] };
  const report = await runGuarded({ ...command, input: 'a line\n' }, LIMITS, {
    signal: controller.signal,
    onMessage: (message) => {
      messages.push(message);
      controller.abort();
    },
  });
  assert.deepEqual(messages, [{ input: 'a line\n' }]);
  assert.equal(report.outcome, 'cancelled');
});
