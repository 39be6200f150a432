import assert from 'node:assert/strict';
import { test } from 'node:test';

import { runGuarded } from '../../src/guard/run.ts';
import { LIMITS, processToken } from './helpers.ts';

const DAY_MS = 86_400_000;

// The guard's own Date alone: the machine's clock is everybody's, and no namespace has a wall clock of its own.
test('no limit of the guard fires where the wall clock steps forth and back by days', async (t) => {
  const script = 'setTimeout(() => undefined, 800)';
  const command = { command: process.execPath, args: ['-e', script, processToken(t)], lockFiles: [] };
  const startMs = Date.now();
  t.mock.timers.enable({ apis: ['Date'], now: startMs });
  let samples = 0;
  const report = await runGuarded(command, LIMITS, {
    onSample: () => t.mock.timers.setTime(startMs + (++samples % 2 === 0 ? 0 : 40 * DAY_MS)),
  });
  assert.ok(samples > 2, 'the clock has stepped while it ran');
  assert.deepEqual([report.outcome, report.reason], ['succeeded', null]);
  assert.ok(report.wallMs > 700 && report.wallMs < 60_000);
});
