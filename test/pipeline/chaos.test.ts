import assert from 'node:assert/strict';
import test from 'node:test';
import { runChaos } from './chaos.ts';

test(
  'SIGKILL of merge process, worker and server in the middle of pairs: the run ends right',
  { timeout: 600_000 },
  async (t) => {
    const report = await runChaos(10, (line) => t.diagnostic(line));
    assert.deepEqual(report.kills, { 'merge process': 4, worker: 3, server: 3 });
  },
);
