import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCloudChaos } from '../pipeline/bigquery-chaos.ts';

test('100 runs with faults of the service, kills and pivots', { timeout: 3_600_000 }, async (t) => {
  const report = await runCloudChaos(1_000, 100, (line) => t.diagnostic(line));
  t.diagnostic(JSON.stringify(report));
  assert.ok(report.kills > 20 && report.pivots > 10 && report.faults > 100);
});
