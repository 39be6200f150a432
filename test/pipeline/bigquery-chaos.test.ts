import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCloudChaos } from './bigquery-chaos.ts';

test('faults of the service, kills and pivots: every pair ends right, every step is paid once, the books agree', async (t) => {
  const report = await runCloudChaos(1, 4, (line) => t.diagnostic(line));
  assert.ok(report.faults > 0 && report.paid > 0);
});
