/** Entries of /proc that vanish while they are read. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readCommandLines } from '../../src/guard/command-lines.ts';
import { writeEvidence } from '../../src/guard/evidence.ts';
import { killTree, waitUntilGone } from '../../src/guard/kill.ts';
import { locksOf } from '../../src/guard/lock-lines.ts';
import {
  isLive,
  listPids,
  readIoBytes,
  readMemory,
  readProportionalMemory,
  readStat,
  readThreads,
} from '../../src/guard/proc.ts';
import { sampleMemory, type ProcessTree } from '../../src/guard/process-tree.ts';
import { startChild } from '../../src/guard/start.ts';
import { describeStuck, lookAtStuck } from '../../src/guard/stuck.ts';
import { processToken, temporaryFolder, waitFor } from './helpers.ts';

test('every reader has an answer for a process that has gone', async (t) => {
  const child = spawn('sleep', ['1000']);
  const stat = readStat(child.pid!)!;
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.equal(readStat(stat.pid), null);
  assert.equal(readMemory(stat.pid), null);
  assert.equal(readIoBytes(stat.pid), null);
  assert.equal(await readProportionalMemory(stat.pid), null);
  assert.deepEqual(readThreads(stat.pid), []);
  assert.deepEqual(locksOf(stat.pid), []);
  assert.equal((await sampleMemory([stat.pid])).memoryBytes, 0);
  const commandLines = await readCommandLines([stat.pid]);
  assert.equal(commandLines.size, 0);
  assert.match(describeStuck(lookAtStuck([stat], commandLines)), /^sleep \(pid \d+\): $/);
  const file = join(temporaryFolder(t), 'stalled.txt');
  assert.equal(writeEvidence(file, [stat], commandLines, 'gone'), file);
  assert.match(readFileSync(file, 'utf8'), /^process \d+ \(sleep\)/m);
});

test('a tree whose processes come and go faster than they are read', async (t) => {
  const script = 'while :; do sh -c : & sh -c :; done';
  const command = { command: 'sh', args: ['-c', script, processToken(t)], lockFiles: [] };
  using child = await startChild(command);
  const file = join(temporaryFolder(t), 'stalled.txt');
  let vanished = 0;
  while (vanished < 50) {
    const members = child.tree.scan();
    await sampleMemory(members.map(({ pid }) => pid));
    const commandLines = await readCommandLines(members.map(({ pid }) => pid));
    describeStuck(lookAtStuck(members, commandLines));
    writeEvidence(file, members, commandLines, 'a storm');
    for (const pid of listPids()) if (readIoBytes(pid) === null && readStat(pid) === null) vanished++;
    for (const { pid, startTicks } of members) if (readStat(pid)?.startTicks !== startTicks) vanished++;
  }
  assert.ok(child.tree.scan().some(isLive));
  killTree(child.tree);
  assert.ok(await waitUntilGone(child.tree, 10_000));
});

test('one that was between two processes when its tree was looked for is killed while that is waited for', async () => {
  const child = spawn('sleep', ['1000']);
  const stat = readStat(child.pid!)!;
  // The race itself cannot be had at will: the first look finds nothing, the next one does.
  const looks = [[], [stat]];
  const tree = { root: stat, group: null, scan: () => looks.shift() ?? [] } as unknown as ProcessTree;
  killTree(tree);
  assert.ok(await waitUntilGone(tree, 10_000));
  if (child.signalCode === null) await once(child, 'exit');
  assert.equal(child.signalCode, 'SIGKILL');
});

test('where /proc cannot be read any more, the tree dies all the same', async () => {
  // For want of descriptors, which cannot be had here without the want of the test runner's, too.
  const child = spawn('sh', ['-c', 'sleep 1000 & wait'], { detached: true });
  const root = readStat(child.pid!)!;
  const scan = (): never => {
    throw new Error('EMFILE');
  };
  const tree = { root, group: null, scan } as unknown as ProcessTree;
  killTree(tree);
  await assert.rejects(waitUntilGone(tree, 10_000), /EMFILE/);
  if (child.signalCode === null) await once(child, 'exit');
  assert.equal(child.signalCode, 'SIGKILL');
  await waitFor(() => !listPids().some((pid) => isLiveIn(pid, root.pid)), 'the end of its group');
});

function isLiveIn(pid: number, session: number): boolean {
  const stat = readStat(pid);
  return stat !== null && stat.session === session && isLive(stat);
}
