/** Thousands of random merges against DuckDB's own join. WIDEMERGE_JOINS_SEED makes others, or the same again. */
import { test } from 'node:test';
import { checkJoins } from '../acceptance/joins/check.ts';

const SEED = Number(process.env.WIDEMERGE_JOINS_SEED ?? Date.now() % 1_000_000);

for (const sizes of [
  { runs: 2_500, mostTuples: 60, mostFiles: 5 },
  { runs: 200, mostTuples: 900, mostFiles: 12 },
  { runs: 100, mostTuples: 20_000, mostFiles: 4 },
])
  test(
    `${sizes.runs} random merges of up to ${sizes.mostFiles} files and ${sizes.mostTuples} rows hold what the join of their files holds`,
    { timeout: 3_600_000 },
    async (t) => {
      t.diagnostic(`seed ${SEED}: ${JSON.stringify(await checkJoins({ seed: SEED, ...sizes }))}`);
    },
  );
