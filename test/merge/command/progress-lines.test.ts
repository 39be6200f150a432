import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProgressLines } from '../../../src/merge/command/progress-lines.ts';

test('progress is found among other words, in pieces, and behind lines without end', () => {
  const heard: [number, number][] = [];
  const lines = new ProgressLines(({ done, total }) => heard.push([done, total]));
  const say = (text: string): void => lines.push(Buffer.from(text));
  say('loading é\n{"done": 1, "to');
  say('tal": 4}\n{"done": 2}\n{"done": 9, "total": 4}\n{"done": "3", "total": 4}\n{half\n');
  for (let i = 0; i < 100; i++) say('x'.repeat(100_000));
  say('\n{"done": 4, "total": 4}\n{"done": 5');
  assert.deepEqual(heard, [
    [1, 4],
    [4, 4],
  ]);
});
