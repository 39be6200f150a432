/** Each fault of the table of safeguards, made once; `test/soak/safeguards.test.ts` makes each ten times. */
import { after, before, suite, test } from 'node:test';
import { SCENARIOS } from './safeguards/scenarios.ts';
import { Scene } from './safeguards/scene.ts';

suite('safeguards', { timeout: 600_000 }, () => {
  let scene: Scene;
  before(async () => {
    scene = await Scene.open();
  });
  after(() => scene[Symbol.asyncDispose]());

  for (const scenario of SCENARIOS) {
    const skip = scenario.missing?.() ?? false;
    test(`${scenario.fault}: ${scenario.goesOn}`, { skip }, () => scene.play(scenario));
  }
});
