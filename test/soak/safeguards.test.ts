/**
 * The table of safeguards: each fault of it made for real, ten times, by the scenarios of `test/pipeline/safeguards.test.ts`.
 * `node test/soak/safeguards.test.ts 3` makes each three times.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import { SCENARIOS } from '../pipeline/safeguards/scenarios.ts';
import { Scene } from '../pipeline/safeguards/scene.ts';
import { safeguardsTable, type Played } from '../pipeline/safeguards/table.ts';

const ROUNDS = Number(process.argv[2] ?? 10);

test('each fault that a safeguard answers, ten times', { timeout: 4 * 3_600_000 }, async (t) => {
  await using scene = await Scene.open();
  const missing = new Map(SCENARIOS.map((scenario) => [scenario, scenario.missing?.() ?? null]));
  const played: Played[] = SCENARIOS.map((scenario) => {
    const why = missing.get(scenario);
    if (why) t.diagnostic(`${scenario.fault}: not here: ${why}`);
    return { scenario, passed: 0, rounds: why ? 0 : ROUNDS, slowestMs: 0 };
  });
  const failures: string[] = [];
  // Each fault in turn, so that each meets what all others have left behind.
  for (let round = 1; round <= ROUNDS; round++) {
    for (const line of played.filter(({ rounds }) => rounds > 0)) {
      const beganMs = performance.now();
      try {
        await scene.play(line.scenario);
        line.passed++;
        const tookMs = performance.now() - beganMs;
        line.slowestMs = Math.max(line.slowestMs, tookMs);
        console.log(`${round}/${ROUNDS} ${line.scenario.fault}: ${(tookMs / 1000).toFixed(0)} s`);
      } catch (error) {
        failures.push(`round ${round}, ${line.scenario.fault}: ${String(error)}`);
        console.log(failures.at(-1));
      }
    }
  }
  console.log(safeguardsTable(played));
  assert.deepEqual(failures, []);
});
