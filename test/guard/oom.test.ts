import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { runGuarded } from '../../src/guard/run.ts';
import { counterFiles, OomEvents } from '../../src/guard/oom-events.ts';
import { judgeEnding } from '../../src/guard/verdict.ts';
import { fixture, LIMITS, MIB, nodeCommand, processToken, temporaryFolder, waitFor } from './helpers.ts';

/** A memory control group (version 1) with this limit, or null where it may not be made. */
function makeMemoryGroup(t: TestContext, limitBytes: number, suffix = ''): string | null {
  const group = `/sys/fs/cgroup/memory/wm-test-${process.pid}${suffix}`;
  if (!existsSync('/sys/fs/cgroup/memory/memory.limit_in_bytes')) return null;
  try {
    mkdirSync(group);
    t.after(() => existsSync(group) && rmdirSync(group));
    writeFileSync(`${group}/memory.limit_in_bytes`, String(limitBytes));
    return group;
  } catch {
    return null;
  }
}

test("the kernel's own memory kill is memory", async (t) => {
  const group = makeMemoryGroup(t, 150 * MIB);
  if (group === null) {
    t.skip('no memory control group (version 1) can be made here');
    return;
  }
  const file = join(temporaryFolder(t), 'seen');
  let isInside = false;
  let samples = 0;
  const report = await runGuarded(nodeCommand(t, 'eats-in-cgroup', group, file), LIMITS, {
    onMessage: () => (isInside = true),
    onSample: () => isInside && ++samples === 2 && writeFileSync(file, ''),
  });
  assert.equal(report.outcome, 'memory-exhausted');
  assert.equal(report.signal, 'SIGKILL');
  assert.equal(report.reason, 'the kernel killed it for want of memory');
  assert.ok(report.peakBytes > 30 * MIB);
});

test('only SIGKILL together with an out-of-memory event is memory', () => {
  const judge = (exitCode: number | null, signal: NodeJS.Signals | null, possible: number, own = 0) =>
    judgeEnding({ exitCode, signal }, { possible, own }).outcome;
  assert.equal(judge(null, 'SIGKILL', 1), 'memory-exhausted');
  assert.equal(judge(137, null, 1), 'memory-exhausted');
  assert.equal(judge(null, 'SIGKILL', 0), 'killed');
  assert.equal(judge(null, 'SIGTERM', 1), 'killed');
  assert.equal(judge(1, null, 1), 'failed');
  assert.equal(judge(0, null, 1), 'succeeded');
  // In a group of its own there is no doubt: a parent that fails over its killed child failed for memory.
  assert.equal(judge(1, null, 1, 1), 'memory-exhausted');
  assert.equal(judge(0, null, 1, 1), 'succeeded');
});

test('where the counter of a control group is', () => {
  const mounts = [
    '30 24 0:26 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw',
    '31 24 0:27 /docker/abc /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory',
    '32 24 0:28 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu',
  ].join('\n');
  assert.deepEqual(counterFiles({ membership: '9:cpu:/x\n4:memory:/docker/abc/leaf\n0::/user.slice\n', mounts }), [
    '/sys/fs/cgroup/memory/leaf/memory.oom_control',
    '/sys/fs/cgroup/unified/user.slice/memory.events.local',
  ]);
  assert.deepEqual(counterFiles({ membership: '4:memory:/leaf\n', mounts }), [
    '/sys/fs/cgroup/memory/leaf/memory.oom_control',
  ]);
  assert.deepEqual(counterFiles({ membership: '', mounts }), []);
});

test('kills in a scope are counted in it, and are not forgotten when it goes', async (t) => {
  const scope = makeMemoryGroup(t, 150 * MIB, '.scope');
  if (scope === null) {
    t.skip('no memory control group (version 1) can be made here');
    return;
  }
  const go = join(temporaryFolder(t), 'go');
  const child = spawn(process.execPath, [fixture('eats-in-cgroup'), processToken(t), scope, go], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  const ended = once(child, 'exit');
  const events = new OomEvents(child.pid!, { group: null, scope: basename(scope) });
  await Promise.race([once(child.stdio[3]!, 'data'), ended]);
  events.follow();
  writeFileSync(go, '');
  assert.deepEqual(await ended, [null, 'SIGKILL']);
  assert.deepEqual([events.inOwnGroup(), events.count()], [1, 1]);
  await waitFor(() => isRemoved(scope), 'the end of the scope');
  assert.deepEqual([events.inOwnGroup(), events.count()], [1, 1]);
});

function isRemoved(group: string): boolean {
  try {
    rmdirSync(group);
    return true;
  } catch {
    return false;
  }
}

/** Plain folders in the place of systemd's groups of version 2, and of /proc: there is no systemd where this is tested. */
test('a scope that went before its counter was read is told by the group above it, and by no stranger', (t) => {
  const folder = temporaryFolder(t);
  const [proc, slice] = [join(folder, 'proc'), join(folder, 'cgroup', 'system.slice')];
  const scope = join(slice, 'widemerge-guard-1.scope');
  const membership = (pid: string, path: string): void => writeFileSync(join(proc, pid, 'cgroup'), `0::${path}\n`);
  const kills = (group: string, count: number): void =>
    writeFileSync(join(group, 'memory.events'), `oom 9\noom_kill ${count}\noom_group_kill 0\n`);
  for (const each of ['self', '7']) mkdirSync(join(proc, each), { recursive: true });
  mkdirSync(scope, { recursive: true });
  const point = join(folder, 'cgroup').replaceAll(' ', '\\040');
  writeFileSync(join(proc, 'self', 'mountinfo'), `30 24 0:26 / ${point} rw - cgroup2 cgroup2 rw\n`);
  for (const each of ['self', '7']) membership(each, '/user.slice/session.scope');
  kills(slice, 4);
  kills(scope, 0);

  const events = new OomEvents(7, { group: null, scope: 'widemerge-guard-1.scope' }, proc);
  membership('7', '/system.slice/widemerge-guard-1.scope');
  events.follow();
  kills(slice, 5);
  assert.deepEqual([events.inOwnGroup(), events.count()], [0, 0], 'a stranger beside it');
  kills(scope, 1);
  kills(slice, 6);
  assert.deepEqual([events.inOwnGroup(), events.count()], [1, 1]);

  const later = new OomEvents(7, { group: null, scope: 'widemerge-guard-1.scope' }, proc);
  kills(scope, 0);
  later.follow();
  rmSync(scope, { recursive: true });
  assert.deepEqual([later.inOwnGroup(), later.count()], [0, 0]);
  kills(slice, 7);
  assert.deepEqual([later.inOwnGroup(), later.count()], [0, 1]);
});
