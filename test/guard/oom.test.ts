import assert from 'node:assert/strict';
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { runGuarded } from '../../src/guard/run.ts';
import { counterFiles } from '../../src/guard/oom-events.ts';
import { judgeEnding } from '../../src/guard/verdict.ts';
import { LIMITS, MIB, nodeCommand, temporaryFolder } from './helpers.ts';

/** A memory control group (version 1) with this limit, or null where it may not be made. */
function makeMemoryGroup(t: TestContext, limitBytes: number): string | null {
  const group = `/sys/fs/cgroup/memory/wm-test-${process.pid}`;
  if (!existsSync('/sys/fs/cgroup/memory/memory.limit_in_bytes')) return null;
  try {
    mkdirSync(group);
    t.after(() => rmdirSync(group));
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
  assert.deepEqual(counterFiles('9:cpu:/x\n4:memory:/docker/abc/leaf\n0::/user.slice\n', mounts), [
    '/sys/fs/cgroup/memory/leaf/memory.oom_control',
    '/sys/fs/cgroup/unified/user.slice/memory.events.local',
  ]);
  assert.deepEqual(counterFiles('4:memory:/leaf\n', mounts), ['/sys/fs/cgroup/memory/leaf/memory.oom_control']);
  assert.deepEqual(counterFiles('', mounts), []);
});
