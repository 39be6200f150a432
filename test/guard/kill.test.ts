import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';

import { killAtOnce } from '../../src/guard/kill.ts';
import { readStat } from '../../src/guard/proc.ts';
import { processToken } from './helpers.ts';

test('a pid that was given to another process since it was seen is not killed', async (t) => {
  const child = spawn(process.execPath, ['-e', 'process.stdin.resume(); console.log(1)', processToken(t)]);
  const exited = once(child, 'exit');
  await once(child.stdout, 'data');
  const { pid, startTicks } = readStat(child.pid!)!;
  killAtOnce([{ pid, startTicks: startTicks - 1 }]);
  // Killed, it could not read the end of its input and exit as it likes.
  child.stdin.end();
  assert.deepEqual(await exited, [0, null]);
});

test('the processes that were seen are killed, and one that has ended meanwhile harms nothing', async (t) => {
  const token = processToken(t);
  const [first, second] = [1, 2].map(() => spawn(process.execPath, ['-e', 'setInterval(() => 0, 1000)', token]));
  const seen = [first!, second!].map(({ pid }) => readStat(pid!)!);
  const ended = [first!, second!].map((child) => once(child, 'exit'));
  first!.kill('SIGKILL');
  await ended[0];
  killAtOnce(seen);
  assert.deepEqual(await ended[1], [null, 'SIGKILL']);
});
