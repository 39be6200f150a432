import assert from 'node:assert/strict';
import { test } from 'node:test';
import { machineMemoryBytes } from '../../src/config/machine-memory.ts';
import { limitsFor } from '../../src/library/limits.ts';

test('no merge may take more than leaves the machine reachable, whatever is wanted', () => {
  const most = Math.floor(0.8 * machineMemoryBytes());
  for (const memoryBytes of [2 ** 60, undefined]) {
    const limits = limitsFor({ memoryBytes });
    assert.ok(limits.memoryBytes <= most);
    assert.ok(limits.killAboveBytes <= most);
  }
  assert.equal(limitsFor({ memoryBytes: 2 ** 27 }).memoryBytes, 2 ** 27);
});
