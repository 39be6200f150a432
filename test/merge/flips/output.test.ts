import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flipPublished, flipWritten } from './output.ts';

const SEED = 7;

for (const [what, flip] of [
  ['before it is verified', flipWritten],
  ['after it was published', flipPublished],
] as const) {
  test(`each bit of an output that is flipped ${what} is found`, async (t) => {
    const tally = await flip(t, { count: 300, seed: SEED });
    for (const line of tally.lines()) t.diagnostic(line);
    assert.deepEqual([tally.flips, tally.found], [300, 300]);
  });

  test(`of an output that another engine has written, too, ${what}`, async (t) => {
    const tally = await flip(t, { count: 60, seed: SEED, engine: 'duckdb' });
    assert.deepEqual([tally.flips, tally.found], [60, 60]);
  });
}
