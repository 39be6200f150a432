import assert from 'node:assert/strict';
import test from 'node:test';
import { runChaos } from '../pipeline/chaos.ts';

test('SIGKILL of merge process, worker and server, ten times each', { timeout: 3_600_000 }, async (t) => {
  const report = await runChaos(30, (line) => t.diagnostic(line));
  assert.deepEqual(report.kills, { 'merge process': 10, worker: 10, server: 10 });
});
