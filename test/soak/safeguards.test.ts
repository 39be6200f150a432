/** The table of safeguards: each fault of it made for real, ten times, by the scenarios of `test/pipeline/safeguards.test.ts`. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { SCENARIOS } from '../pipeline/safeguards/scenarios.ts';
import { Scene } from '../pipeline/safeguards/scene.ts';
import { safeguardsTable, type Played } from '../pipeline/safeguards/table.ts';

const ROUNDS = 10;

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
        line.slowestMs = Math.max(line.slowestMs, performance.now() - beganMs);
      } catch (error) {
        failures.push(`round ${round}, ${line.scenario.fault}: ${String(error)}`);
        t.diagnostic(failures.at(-1)!);
      }
    }
    t.diagnostic(`round ${round} of ${ROUNDS} is over`);
  }
  console.log(safeguardsTable(played));
  assert.deepEqual(failures, []);
});
