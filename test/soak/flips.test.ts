/** The flips of every change, by the thousand; WIDEMERGE_SOAK_SEED makes them the same again. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flipPublished, flipWritten } from '../merge/flips/output.ts';
import { flipSources } from '../merge/flips/sources.ts';

const SEED = Number(process.env.WIDEMERGE_SOAK_SEED ?? Date.now() % 1_000_000);

for (const [what, flip, count] of [
  ['an output before it is verified', flipWritten, 3_000],
  ['an output after it was published', flipPublished, 3_000],
  ['checkpoints between merge and verification', flipSources, 1_000],
] as const)
  test(`${count} flipped bits of ${what}: all found`, { timeout: 1_800_000 }, async (t) => {
    const tally = await flip(t, { count, seed: SEED });
    t.diagnostic(`seed ${SEED}`);
    for (const line of tally.lines()) t.diagnostic(line);
    assert.deepEqual([tally.flips, tally.found], [count, count]);
  });
