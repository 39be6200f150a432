import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { boundMemory, LimitInvalidError, type MemoryMeansName } from '../../src/guard/memory-means.ts';
import { groupV2At } from '../../src/guard/memory/group-v2.ts';
import { groupFolders, ownGroupView } from '../../src/guard/memory/hierarchy.ts';
import { newLeafName } from '../../src/guard/memory/leaf-name.ts';
import { runGuarded } from '../../src/guard/run.ts';
import { leaves, watchLeaves } from './leaves.ts';
import { fixture, LIMITS, MIB, nodeCommand, processesWith, processToken, temporaryFolder, waitFor } from './helpers.ts';

/** Skips where this machine does not have these means. */
function has(t: TestContext, name: MemoryMeansName): boolean {
  const bound = boundMemory(LIMITS.memoryBytes, [name]);
  bound.group?.remove();
  if (bound.name === null) t.skip(`this machine has no ${name} for this user`);
  return bound.name !== null;
}

for (const name of ['systemd-run', 'cgroup-v2', 'cgroup-v1'] as const) {
  test(`${name}: an eater is killed by the kernel, exactly attributed`, async (t) => {
    if (!has(t, name)) return;
    watchLeaves(t);
    const command = { ...nodeCommand(t, 'eats-memory'), memoryMeans: [name] };
    const report = await runGuarded(command, { ...LIMITS, memoryBytes: 200 * MIB });
    assert.equal(report.outcome, 'memory-exhausted');
    assert.ok(report.means.includes(name));
    assert.equal(report.limitedBy, name);
    assert.match(report.reason ?? '', /the kernel killed .*it at its memory limit/);
    assert.ok(report.peakBytes > 50 * MIB && report.peakBytes <= 200 * MIB);
  });

  test(`${name}: a grandchild is under the limit, and its end is the end of all`, async (t) => {
    if (!has(t, name)) return;
    watchLeaves(t);
    const command = { ...nodeCommand(t, 'forks-eater'), memoryMeans: [name] };
    const report = await runGuarded(command, { ...LIMITS, memoryBytes: 200 * MIB });
    assert.equal(report.outcome, 'memory-exhausted');
    assert.equal(report.limitedBy, name);
  });

  test(`${name}: reading and writing far more than the limit is no memory`, async (t) => {
    if (!has(t, name)) return;
    watchLeaves(t);
    const file = join(temporaryFolder(t), 'large');
    const script = `dd if=/dev/zero of="$1" bs=1M count=400 status=none && cat "$1" | wc -c`;
    const command = { command: 'sh', args: ['-c', script, 'sh', file], lockFiles: [], memoryMeans: [name] };
    const report = await runGuarded(command, { ...LIMITS, memoryBytes: 64 * MIB });
    assert.equal(report.outcome, 'succeeded');
    assert.equal(report.stderrTail, String(400 * MIB));
  });
}

test('RLIMIT_DATA is of each process, and lets a runtime start', async (t) => {
  if (!has(t, 'rlimit-data')) return;
  const read = ['-e', 'process.stdout.write(require("fs").readFileSync("/proc/self/limits", "utf8"))'];
  const command = { command: process.execPath, args: read, lockFiles: [], memoryMeans: ['rlimit-data'] as const };
  const report = await runGuarded(command, { ...LIMITS, memoryBytes: 64 * MIB });
  assert.equal(report.outcome, 'succeeded');
  assert.ok(report.means.includes('rlimit-data'));
  assert.equal(/Max data size +(\d+)/.exec(report.stderrTail)?.[1], String(832 * MIB));
});

test('a command is under its limits before its first instruction, and has its own environment and descriptors', async (t) => {
  const script = `cat /proc/self/cgroup /proc/self/oom_score_adj; echo "pwd=\${PWD-none}"; ls /proc/self/fd; cat`;
  const command = { command: process.execPath, args: ['-e', ''], lockFiles: [join(temporaryFolder(t), 'a.lock')] };
  const shell = `const { spawnSync } = require("child_process");
    spawnSync("env", { stdio: "inherit" }); spawnSync("sh", ["-c", process.argv[1]], { stdio: ["ignore", 1, 2, 3, 4] });`;
  const report = await runGuarded({ ...command, args: ['-e', shell, script], env: { EXTRA: 'x y' } }, LIMITS);
  assert.equal(report.outcome, 'succeeded', report.stderrTail);
  const lines = report.stderrTail.split('\n');
  assert.ok(lines.includes('EXTRA=x y') && lines.includes('1000') && lines.includes('4'));
  assert.ok(!lines.some((line) => /^(PWD|OLDPWD|SHLVL)=/.test(line)));
  if (report.means.includes('cgroup-v1')) assert.match(report.stderrTail, /memory:.*\/widemerge-guard-/);
});

test('no limit that nothing could run in', async () => {
  for (const memoryBytes of [0, -1, NaN, 1024]) {
    const running = runGuarded({ command: 'true', args: [], lockFiles: [] }, { ...LIMITS, memoryBytes });
    await assert.rejects(running, LimitInvalidError);
  }
});

test("below the runtime's own need: memory, and no crash of another kind", async (t) => {
  if (!has(t, 'cgroup-v1')) return;
  watchLeaves(t);
  const report = await runGuarded(nodeCommand(t, 'never-exits'), { ...LIMITS, memoryBytes: 8 * MIB });
  assert.equal(report.outcome, 'memory-exhausted');
});

test("below the runtime's own need, where no group of its own tells", async (t) => {
  for (const memoryMeans of [[], ['rlimit-data']] as const) {
    const command = { ...nodeCommand(t, 'never-exits'), memoryMeans };
    const report = await runGuarded(command, { ...LIMITS, memoryBytes: 8 * MIB });
    assert.deepEqual([report.outcome, report.limitedBy], ['memory-exhausted', 'watcher']);
  }
});

test('a limit above what the machine has is no error', async () => {
  const limits = { ...LIMITS, memoryBytes: 2 ** 52, killAboveBytes: 2 ** 52 };
  assert.equal((await runGuarded({ command: 'true', args: [], lockFiles: [] }, limits)).outcome, 'succeeded');
});

test('what a killed guard has left is ended and removed by the next one', async (t) => {
  if (!has(t, 'cgroup-v1')) return;
  watchLeaves(t);
  const before = leaves();
  const token = processToken(t);
  const lockFile = join(temporaryFolder(t), 'a.lock');
  const guard = spawn(process.execPath, [fixture('guards'), token, fixture('never-exits'), lockFile], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(guard.stdout, 'data');
  // Not their number: those of other tests come and go meanwhile.
  assert.ok(leaves().some((name) => !before.includes(name)));
  guard.kill('SIGKILL');
  await once(guard, 'exit');
  assert.equal(processesWith(token).length, 1);
  boundMemory(LIMITS.memoryBytes).group?.remove();
  await waitFor(() => processesWith(token).length === 0, 'the end of what was left');
  await waitFor(() => {
    boundMemory(LIMITS.memoryBytes).group?.remove();
    return leaves().every((name) => before.includes(name));
  }, 'the end of its control group');
});

/** Plain folders in the place of a hierarchy of version 2: this kernel may have its memory controller bound to version 1, or this user no delegated group. */
function fakeV2(
  t: TestContext,
  handsOn: string,
): { view: { membership: string; mounts: string }; parent: string; own: string } {
  const point = temporaryFolder(t);
  const parent = join(point, 'user.slice');
  const own = join(parent, 'session.scope');
  mkdirSync(own, { recursive: true });
  writeFileSync(join(parent, 'cgroup.subtree_control'), handsOn);
  writeFileSync(join(own, 'cgroup.subtree_control'), '');
  const mounts = `30 24 0:26 / ${point.replaceAll(' ', '\\040')} rw - cgroup2 cgroup2 rw\n`;
  return { view: { membership: '0::/user.slice/session.scope\n', mounts }, parent, own };
}

test('version 2: a leaf beside this process, where the group above hands memory on', (t) => {
  const { view, parent } = fakeV2(t, 'cpu memory pids');
  const { name, group, joinFiles } = boundMemory(300 * MIB, ['cgroup-v2'], view);
  assert.equal(name, 'cgroup-v2');
  const leaf = readdirSync(parent).find((each) => each.startsWith('widemerge-guard-')) ?? '';
  assert.equal(readFileSync(join(parent, leaf, 'memory.max'), 'utf8'), String(300 * MIB));
  assert.deepEqual(joinFiles, [join(parent, leaf, 'cgroup.procs')]);
  writeFileSync(join(parent, leaf, 'memory.events'), 'low 0\nmax 9\noom 1\noom_kill 3\noom_group_kill 1\n');
  assert.equal(group?.oomKills(), 3);
});

test('what a dead guard has left in another group is found, too', (t) => {
  const { view, parent } = fakeV2(t, 'memory');
  const live = newLeafName();
  const other = join(parent, 'other.scope', 'deeper');
  for (const name of [live, live.replace(/-\d+-\d+$/, '-1-1')]) mkdirSync(join(other, name), { recursive: true });
  boundMemory(300 * MIB, ['cgroup-v2'], view);
  assert.deepEqual(readdirSync(other), [live]);
});

test('version 2: no leaf where memory is not handed on, or an own limit would be escaped', (t) => {
  const without = fakeV2(t, 'cpu pids');
  assert.equal(boundMemory(300 * MIB, ['cgroup-v2'], without.view).name, null);
  const limited = fakeV2(t, 'memory');
  writeFileSync(join(limited.own, 'memory.max'), String(200 * MIB));
  assert.equal(boundMemory(300 * MIB, ['cgroup-v2'], limited.view).name, null);
  assert.equal(boundMemory(300 * MIB, ['cgroup-v2', 'rlimit-data'], limited.view).name, 'rlimit-data');
});

test('a hierarchy that is missing is passed over', (t) => {
  const view = {
    membership: '4:memory:/gone\n',
    mounts: `31 24 0:27 / ${temporaryFolder(t).replaceAll(' ', '\\040')} rw - cgroup cgroup rw,memory\n`,
  };
  assert.equal(boundMemory(300 * MIB, undefined, view).name, 'rlimit-data');
  assert.equal(boundMemory(300 * MIB, undefined, { membership: '', mounts: '' }).name, 'rlimit-data');
  assert.equal(existsSync('/gone'), false);
});

test('version 2: the kernel kills all of a group, one that has left its session too', async (t) => {
  const unified = groupFolders(ownGroupView(), 'memory').find(({ version }) => version === 2);
  const folder = join(unified?.path ?? '', `wm-test-${process.pid}`);
  try {
    mkdirSync(folder);
  } catch {
    t.skip('no group of version 2 can be made here');
    return;
  }
  const group = groupV2At(folder);
  t.after(() => assert.ok(group.remove()));
  const token = processToken(t);
  const script = `echo 0 >"$1" && setsid sh -c 'while :; do sleep 1; done' "$2" & while :; do sleep 1; done`;
  spawn('sh', ['-c', script, 'sh', join(folder, 'cgroup.procs'), token], { stdio: 'ignore' });
  await waitFor(() => group.pids().length >= 1, 'a member');
  group.kill();
  await waitFor(() => group.pids().length === 0, 'the end of all members');
  for (const line of processesWith(token)) process.kill(Number.parseInt(line), 'SIGKILL');
  await waitFor(() => processesWith(token).length === 0, 'the end of the shell outside');
});
