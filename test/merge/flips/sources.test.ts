import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flipSources } from './sources.ts';

test('each bit of a checkpoint that is flipped between merge and verification is found', async (t) => {
  const tally = await flipSources(t, { count: 100, seed: 11 });
  for (const line of tally.lines()) t.diagnostic(line);
  assert.deepEqual([tally.flips, tally.found], [100, 100]);
});
