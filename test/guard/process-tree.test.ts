import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';

import { parseStat, readStat } from '../../src/guard/proc.ts';
import { ProcessTree, sampleTree } from '../../src/guard/process-tree.ts';
import { MIB, processesWith, processToken, waitFor } from './helpers.ts';

test('the tree of this process has its children, and not its siblings in the same session', async (t) => {
  const child = spawn(process.execPath, ['-e', 'process.stdin.resume(); console.log(1)', processToken(t)]);
  await once(child.stdout, 'data');
  const sample = await sampleTree(process.pid);
  assert.ok(sample.pids.includes(process.pid) && sample.pids.includes(child.pid!));
  assert.ok(!sample.pids.includes(process.ppid));
  assert.ok(sample.memoryBytes > 10 * MIB && sample.rssBytes > sample.memoryBytes);
  assert.deepEqual((await sampleTree(child.pid!)).pids, [child.pid]);
  child.stdin.end();
  await once(child, 'exit');
  assert.deepEqual(await sampleTree(child.pid!), { memoryBytes: 0, rssBytes: 0, pids: [], wasWalked: false });
});

test('memory that a fork shares with its parent is counted once', async (t) => {
  const script = `
import os, sys, time
kept = bytearray(b"x" * (200 * 1024 * 1024))
if os.fork() == 0 or os.fork() == 0:
    time.sleep(600)
print("ready", flush=True)
sys.stdin.read()
os.killpg(0, 9)`;
  const token = processToken(t);
  const parent = spawn('python3', ['-c', script, token], { detached: true });
  const started = await Promise.race([once(parent.stdout, 'data'), once(parent, 'error').then(() => null)]);
  if (started === null) {
    t.skip('no python3 here to fork with');
    return;
  }
  // On a busy machine a sample may be an upper bound.
  let sample = await sampleTree(parent.pid!);
  for (let tries = 0; tries < 20 && sample.memoryBytes > 300 * MIB; tries++) sample = await sampleTree(parent.pid!);
  assert.equal(sample.pids.length, 3);
  assert.ok(sample.memoryBytes > 200 * MIB && sample.memoryBytes < 300 * MIB, `${sample.memoryBytes}`);
  parent.stdin.end();
  await waitFor(() => processesWith(token).length === 0, 'the end of the forks');
});

test('a pid that was given to another process is not followed', () => {
  const self = readStat(process.pid)!;
  const earlier = { ...self, startTicks: self.startTicks - 1 };
  assert.deepEqual(
    new ProcessTree(earlier).scan().filter(({ pid }) => pid === process.pid),
    [],
  );
});

test('names with brackets and spaces do not shift the fields', () => {
  const stat = parseStat('7 (a) R (b) c) S 1 7 6 0 -1 4194304 97 0 0 0 11 22 0 0 20 0 3 0 131626 3133440 382');
  assert.deepEqual(stat, {
    pid: 7,
    name: 'a) R (b) c',
    state: 'S',
    parent: 1,
    session: 6,
    threads: 3,
    cpuTicks: 33,
    startTicks: 131626,
  });
  assert.equal(parseStat(''), null);
});
