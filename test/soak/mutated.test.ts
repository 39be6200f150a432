import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runSeeds } from '../acceptance/mutated/run-seeds.ts';

/** The first 300 are those of every change. */
const SEEDS = Array.from({ length: 2_500 }, (_, i) => i + 1);

test('2,500 mutated checkpoints: a typed failure or a right result', { timeout: 1_800_000 }, async (t) => {
  const report = await runSeeds(SEEDS, (line) => t.diagnostic(line));
  t.diagnostic(JSON.stringify(report));
  assert.deepEqual(report.defects, []);
  assert.ok(report.seeds + report.oracleDied.length >= SEEDS.length);
});
