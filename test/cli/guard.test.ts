/** `widemerge guard` as a person would use it, and the faults of the commands that it is given. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test, type TestContext } from 'node:test';

import { takeLocks } from '../../src/guard/lock.ts';
import type { GuardReport } from '../../src/guard/command.ts';
import { leaves } from '../guard/leaves.ts';
import { MIB, processesWith, processToken, temporaryFolder, waitFor } from '../guard/helpers.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts');
const NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
const isRoot = process.getuid?.() === 0;

interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
  report: GuardReport;
}

interface Setting {
  folder: string;
  /** In the command line of all that the command starts. */
  token: string;
  start: (options: string[], command: string[]) => ChildProcess;
  run: (options: string[], command: string[], input?: string) => Promise<Ended>;
}

/** Nothing is left afterwards: no process, no control group. `before`: words in front of the guard's own. */
function setUp(t: TestContext, before: string[] = []): Setting {
  const folder = temporaryFolder(t);
  const token = processToken(t);
  const pids: (number | undefined)[] = [];
  t.after(() => {
    const own = leaves().filter((name) => pids.some((pid) => name.split('-')[3] === String(pid)));
    assert.deepEqual(own, []);
  });
  const start: Setting['start'] = (options, command) => {
    const words = [...before, process.execPath, MAIN, 'guard', '--json', ...options, '--', ...command];
    const env = { ...process.env, WIDEMERGE_LOCK_FILE: join(folder, 'machine.lock') };
    const child = spawn(words[0]!, words.slice(1), { env });
    pids.push(child.pid);
    child.stdin.on('error', () => undefined);
    return child;
  };
  const run: Setting['run'] = async (options, command, input = '') => {
    const child = start(options, command);
    child.stdin!.end(input);
    return endOf(child);
  };
  return { folder, token, start, run };
}

async function endOf(child: ChildProcess): Promise<Ended> {
  const [stdout, stderr, ending] = await Promise.all([text(child.stdout!), text(child.stderr!), once(child, 'close')]);
  const last = stderr.trimEnd().split('\n').at(-1) ?? '';
  const report = (last.startsWith('{') ? JSON.parse(last) : {}) as GuardReport;
  return { code: ending[0] as number | null, stdout, stderr, report };
}

const shell = (script: string, ...args: string[]): string[] => ['sh', '-c', script, 'sh', ...args];

test('input, output, errors, environment and exit code pass through', async (t) => {
  const { run } = setUp(t);
  const script = 'cat; echo "$WIDEMERGE_LOCK_FILE" | wc -l; echo oops >&2; exit 7';
  const { code, stdout, stderr, report } = await run([], shell(script), 'line\n');
  assert.deepEqual([code, stdout], [7, 'line\n1\n']);
  assert.match(stderr, /^oops\n\{/);
  assert.equal(report.outcome, 'failed');
  assert.ok(report.means.includes('watcher') && report.means.includes('lock'));
});

test('the report for people, and in a file', async (t) => {
  const { folder } = setUp(t);
  const file = join(folder, 'report.json');
  const words = [MAIN, 'guard', '--no-lock', '--report', file, '--memory', '100MiB', '--', 'true'];
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'pipe'] });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  assert.equal(stdout, '');
  assert.match(
    stderr,
    /^widemerge guard: succeeded: peak .* of 100 MiB, .*, CPU .*\nwidemerge guard: under .*watcher.*\n$/,
  );
  const report = JSON.parse(readFileSync(file, 'utf8')) as GuardReport;
  assert.equal(report.outcome, 'succeeded');
  assert.ok(report.series.length <= 200);
});

test('a command that does not exist, or is not executable, and wrong usage', async (t) => {
  const { folder, run } = setUp(t);
  const plain = join(folder, 'plain');
  writeFileSync(plain, 'no program');
  assert.equal((await run([], ['no-such-command'])).code, 127);
  assert.equal((await run([], [join(folder, 'none')])).code, 127);
  const denied = await run([], [plain]);
  assert.equal(denied.code, 126);
  assert.match(denied.stderr, /"outcome":"not-started","reason":".*plain cannot be started: not executable/);
  assert.equal((await run(['--memory', '0MiB'], ['true'])).code, 125);
  assert.equal((await run(['--memory', '1MiB'], ['true'])).code, 125);
  for (const nothing of ['--timeout', '--stall']) assert.equal((await run([nothing, '0s'], ['true'])).code, 125);
  assert.equal((await run(['--kill-above', '0MiB'], ['true'])).code, 125);
  assert.equal((await run(['--no-such-flag'], ['true'])).code, 125);
  assert.equal((await run([], [])).code, 125);
});

test('a limit above the machine is lowered, and says so', async (t) => {
  const { run } = setUp(t);
  const { code, stderr, report } = await run(['--memory', '900000GiB'], ['true']);
  assert.deepEqual([code, report.outcome], [0, 'succeeded']);
  assert.match(stderr, /--memory is more than 80 % of this machine's: \d+ bytes are the limit/);
});

test('a command that dies at once, by its own fault and by a signal', async (t) => {
  const { run } = setUp(t);
  assert.equal((await run([], ['false'])).code, 1);
  const { code, report } = await run([], shell('kill -SEGV $$'));
  assert.deepEqual([code, report.outcome, report.signal], [139, 'killed', 'SIGSEGV']);
});

test('gigabytes of output pass, and the guard stays as it is', async (t) => {
  const { start } = setUp(t);
  const bytes = 2 * 1024 * MIB;
  const child = start([], ['head', '-c', String(bytes), '/dev/zero']);
  child.stderr!.resume();
  let passed = 0;
  let rssKib = 0;
  for await (const chunk of child.stdout!) {
    passed += (chunk as Buffer).length;
    const status = existsSync(`/proc/${child.pid}/status`) ? readFileSync(`/proc/${child.pid}/status`, 'utf8') : '';
    rssKib = Math.max(rssKib, Number(/^RssAnon:\s+(\d+)/m.exec(status)?.[1] ?? 0));
  }
  assert.equal(passed, bytes);
  assert.ok(rssKib > 0 && rssKib < 200 * 1024, `${rssKib} KiB`);
});

test('a command that closes all its streams', async (t) => {
  const { run } = setUp(t);
  assert.equal((await run([], shell('exec <&- >&- 2>&-; exit 5'))).code, 5);
});

test('a thousand children that come, go and stay behind', async (t) => {
  const { token, run } = setUp(t);
  const script = 'i=0; while [ $i -lt 500 ]; do sh -c "sleep 1000; :" "$1" & true & i=$((i+1)); done; exit 0';
  const { code, report } = await run([], shell(script, token));
  assert.deepEqual([code, report.outcome], [0, 'succeeded']);
  assert.deepEqual(processesWith(token), []);
});

test('a command that ignores SIGTERM has its grace and no more', async (t) => {
  const { token, run } = setUp(t);
  const { code, report } = await run(['--timeout', '500ms'], shell('trap "" TERM; while :; do sleep 0.1; done', token));
  assert.deepEqual([code, report.outcome, report.limitedBy], [124, 'timed-out', 'timeout']);
});

test('a daemon does not survive the command that started it', async (t) => {
  const { token, run } = setUp(t);
  const script = '(setsid sh -c "while :; do sleep 1; done" "$1" </dev/null >/dev/null 2>&1 4>&- &) ; exit 0';
  const { code } = await run([], shell(script, token));
  assert.equal(code, 0);
  await waitFor(() => processesWith(token).length === 0, 'the end of the daemon');
});

test('a command that changes its user is killed like any other', { skip: !isRoot && 'not root' }, async (t) => {
  const { token, run } = setUp(t);
  const command = [...NOBODY, ...shell('while :; do sleep 1; done', token)];
  assert.equal((await run(['--timeout', '1s'], command)).code, 124);
});

test('no progress: 124, with the evidence', async (t) => {
  const { folder, run } = setUp(t);
  const file = join(folder, 'report.json');
  const { code, report } = await run(['--stall', '1s', '--report', file], ['sleep', '1000']);
  assert.deepEqual([code, report.outcome, report.limitedBy], [124, 'stalled', 'stall']);
  assert.match(readFileSync(`${file}.stalled.txt`, 'utf8'), /\(sleep\), child of \d+, S: sleep 1000/);
});

/** Slow enough to be seen on its way up, on a busy machine, too. */
const EATER = 'a = []; setInterval(() => a.push(Buffer.alloc(8 << 20, 1)), 40)';

test('out of memory: 125, and which means it was', async (t) => {
  const { token, run } = setUp(t);
  const { code, report } = await run(['--memory', '200MiB'], [process.execPath, '-e', EATER, token]);
  assert.deepEqual([code, report.outcome], [125, 'memory-exhausted']);
  assert.ok(report.means.includes(report.limitedBy!));
  assert.ok(report.peakBytes > 50 * MIB);
});

test(
  'an unprivileged user has the watcher and the best hard limit that he may use',
  { skip: !isRoot && 'not root' },
  async (t) => {
    const { folder, token, run } = setUp(t, NOBODY);
    chmodSync(folder, 0o777);
    const { code, report } = await run(['--memory', '200MiB'], [process.execPath, '-e', EATER, token]);
    assert.deepEqual([code, report.outcome, report.limitedBy], [125, 'memory-exhausted', 'watcher']);
    assert.ok(report.means.includes('rlimit-data') && report.means.includes('oom_score_adj'));
  },
);

test('a read-only hierarchy of control groups', { skip: !isRoot && 'not root' }, async (t) => {
  const script = `for f in $(awk '$3 ~ /^cgroup/ { print $2 }' /proc/mounts); do mount -o remount,bind,ro "$f" || exit 99; done; exec "$@"`;
  const { token, run } = setUp(t, ['unshare', '--mount', ...shell(script)]);
  const { code, report } = await run(['--memory', '200MiB'], [process.execPath, '-e', EATER, token]);
  assert.deepEqual([code, report.outcome], [125, 'memory-exhausted']);
  assert.ok(report.means.includes('rlimit-data') && !report.means.includes('cgroup-v1'));
});

test('no hierarchy of control groups at all', { skip: !isRoot && 'not root' }, async (t) => {
  const script = 'umount --recursive --lazy /sys/fs/cgroup || exit 99; exec "$@"';
  const { token, run } = setUp(t, ['unshare', '--mount', ...shell(script)]);
  const { code, report } = await run(['--memory', '200MiB'], [process.execPath, '-e', EATER, token]);
  assert.deepEqual([code, report.outcome, report.limitedBy], [125, 'memory-exhausted', 'watcher']);
  assert.ok(report.means.includes('rlimit-data') && !report.means.includes('cgroup-v1'));
});

test('one at a time: the second says who holds the lock, and runs without it where told', async (t) => {
  const { folder, run } = setUp(t);
  const held = takeLocks([join(folder, 'machine.lock')]);
  held.sign(4711, 'node process.ts');
  const { code, report } = await run([], ['true']);
  assert.equal(code, 125);
  assert.match(report.reason ?? '', /another merge .* is held by pid 4711 \(node process.ts\).*--no-lock/);
  assert.equal((await run(['--no-lock'], ['true'])).code, 0);
  held.close();
});

test('Ctrl-C and SIGTERM go through to the command', async (t) => {
  const { token, start } = setUp(t);
  for (const [name, expected] of [
    ['SIGINT', 9],
    ['SIGTERM', 8],
  ] as const) {
    const script = 'trap "exit 9" INT; trap "exit 8" TERM; echo ready; while :; do sleep 0.05; done';
    const child = start([], shell(script, token));
    await once(child.stdout!, 'readable');
    child.kill(name);
    const { code, report } = await endOf(child);
    assert.deepEqual([code, report.outcome], [expected, 'cancelled']);
  }
});

test('a second Ctrl-C ends all at once', async (t) => {
  const { token, start } = setUp(t);
  const child = start([], shell('trap "echo caught" INT; echo ready; while :; do sleep 0.05; done', token));
  let heard = '';
  child.stdout!.on('data', (chunk: Buffer) => (heard += chunk.toString()));
  child.stderr!.resume();
  await waitFor(() => heard.includes('ready'), 'the command');
  child.kill('SIGINT');
  await waitFor(() => heard.includes('caught'), 'the first signal');
  child.kill('SIGINT');
  const [code] = (await once(child, 'exit')) as [number | null];
  assert.equal(code, 130);
  await waitFor(() => processesWith(token).length === 0, 'the end of all');
});

test("nothing survives the guard's own SIGKILL, not even what has left its session", async (t) => {
  const { token, start, run } = setUp(t);
  const script = '(setsid sh -c "while :; do sleep 1; done" "$1" &); echo ready; while :; do sleep 1; done';
  const probe = await run([], ['true']);
  if (!probe.report.means.includes('pid-namespace')) {
    t.skip('no pid namespace may be had here: the next guard sweeps');
    return;
  }
  const child = start([], shell(script, token));
  await once(child.stdout!, 'data');
  await waitFor(() => processesWith(token).length >= 3, 'the escapee');
  child.kill('SIGKILL');
  await once(child, 'exit');
  await waitFor(() => processesWith(token).length === 0, 'the end of all');
  await run([], ['true']); // Sweeps the control group.
});

test('a program finds itself in /proc', async (t) => {
  const { run } = setUp(t);
  const script =
    'const fs = require("fs"); fs.readFileSync(`/proc/${process.pid}/cmdline`, "utf8").includes("wm-self") || process.exit(1)';
  assert.equal((await run([], [process.execPath, '-e', script, 'wm-self'])).code, 0);
});

test('the guard of a command in a guard', async (t) => {
  const { token, run } = setUp(t);
  const inner = [process.execPath, MAIN, 'guard', '--no-lock', '--json', '--memory', '100MiB', '--'];
  const { code, stderr } = await run([], [...inner, process.execPath, '-e', EATER, token]);
  assert.equal(code, 125);
  assert.match(stderr, /"outcome":"memory-exhausted"/);
});
