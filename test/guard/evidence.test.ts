import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { MONOTONIC } from '../../src/guard/clock.ts';
import { killTree, waitUntilGone } from '../../src/guard/kill.ts';
import { startChild } from '../../src/guard/start.ts';
import type { Verdict } from '../../src/guard/verdict.ts';
import { Watcher } from '../../src/guard/watcher.ts';
import { LIMITS, processToken, temporaryFolder } from './helpers.ts';

test('evidence is written once, however long the stalled outlive their verdict', { timeout: 60_000 }, async (t) => {
  const evidenceFile = join(temporaryFolder(t), 'stalled.txt');
  writeFileSync(evidenceFile, 'of an attempt before', { mode: 0o644 });
  const command = { command: 'sh', args: ['-c', 'sleep 600; :', processToken(t)], lockFiles: [] };
  using child = await startChild(command);
  const verdicts: Verdict[] = [];
  // Nobody kills: so it is while a process waits inside the kernel.
  const watcher = new Watcher({
    tree: child.tree,
    clock: MONOTONIC,
    killAboveBytes: LIMITS.killAboveBytes,
    timeoutMs: LIMITS.timeoutMs,
    stallMs: 300,
    evidenceFile,
    messages: () => 0,
    onSample: () => undefined,
    onVerdict: (verdict) => {
      if (verdicts.length === 0) {
        assert.match(readFileSync(evidenceFile, 'utf8'), /^no progress .*\(sleep\), .*sleep 600$/ms);
        writeFileSync(evidenceFile, 'as it was');
      }
      verdicts.push(verdict);
      if (verdicts.length === 3) watcher.stop();
    },
  });
  await watcher.run();
  assert.equal(readFileSync(evidenceFile, 'utf8'), 'as it was');
  assert.equal(new Set(verdicts).size, 1);
  killTree(child.tree);
  assert.ok(await waitUntilGone(child.tree, 10_000));
});
