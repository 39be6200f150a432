import assert from 'node:assert/strict';
import { test } from 'node:test';

import { buildEater, feed, type Meal } from './full-speed.ts';
import { temporaryFolder } from './helpers.ts';

const LIMIT = 2 ** 30;
/** Another program of this machine may have both cores just then: what is asserted is what the watcher can do, not what it always gets. */
const TRIES = 5;

for (const processes of [1, 8]) {
  test(`the watcher alone stops ${processes} at full speed within 10 % of the limit`, async (t) => {
    const program = buildEater(temporaryFolder(t));
    if (program === null) {
      t.skip('no C compiler');
      return;
    }
    const meals: Meal[] = [];
    for (let tries = 0; tries < TRIES; tries++) {
      const meal = await feed(program, LIMIT, processes, []);
      assert.equal(meal.report.outcome, 'memory-exhausted');
      assert.equal(meal.report.limitedBy, 'watcher');
      meals.push(meal);
      if (meal.overshootBytes <= 0.1 * LIMIT) return;
    }
    assert.fail(`beyond it, in MiB: ${meals.map((meal) => Math.round(meal.overshootBytes / 2 ** 20)).join(', ')}`);
  });
}
