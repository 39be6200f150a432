/**
 * Random keys of one to three columns, random schemas, layouts and writers, merged in all modes of rows, against DuckDB's own
 * FULL, LEFT and INNER joins of the same files. WIDEMERGE_JOINS_SEED makes other ones.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkJoins } from './joins/check.ts';

const SEED = Number(process.env.WIDEMERGE_JOINS_SEED ?? 20_241);

test('random merges hold what the join of their files holds', { timeout: 300_000 }, async (t) => {
  const small = await checkJoins({ seed: SEED, runs: 100, mostTuples: 60, mostFiles: 4 });
  const large = await checkJoins({ seed: SEED + 1, runs: 8, mostTuples: 9_000, mostFiles: 3 });
  t.diagnostic(JSON.stringify({ small, large }));
  // Otherwise the scenarios do not reach what they are for.
  for (const [verdict, count] of Object.entries(small)) assert.ok(count > 0, `none was ${verdict}`);
});
