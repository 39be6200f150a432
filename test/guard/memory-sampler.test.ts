import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { test } from 'node:test';

import { MemorySampler } from '../../src/guard/memory-sampler.ts';
import { ProcessTree } from '../../src/guard/process-tree.ts';
import { readStat } from '../../src/guard/proc.ts';
import { MIB, processToken, waitFor } from './helpers.ts';

const SHARES = `
import os, sys, time
data = bytearray(os.urandom(1 << 20) * 100)
for i in range(3):
    if os.fork() == 0: time.sleep(1000)
print(1, flush=True)
time.sleep(1000)
`;

test('pages that a family shares count once, sample after sample', async (t) => {
  if (spawnSync('python3', ['--version']).status !== 0) {
    t.skip('no Python, whose children share its memory');
    return;
  }
  const token = processToken(t);
  const child = spawn('python3', ['-c', SHARES, token], { stdio: ['ignore', 'pipe', 'ignore'], detached: true });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  const tree = new ProcessTree(readStat(child.pid!)!);
  await waitFor(() => tree.scan().length === 4, 'the children');
  const sampler = new MemorySampler();
  const pids = tree.scan().map(({ pid }) => pid);
  for (let sample = 0; sample < 40; sample++) {
    const bytes = await sampler.sample(pids, Infinity);
    assert.ok(bytes > 100 * MIB && bytes < 180 * MIB, `${Math.round(bytes / MIB)} MiB`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  process.kill(-child.pid!, 'SIGKILL');
  await waitFor(() => tree.scan().length === 0, 'the end of the family');
});
