import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PairProgress } from '../../src/payloads.ts';
import { pristine } from '../../src/workflows/pair-entry.ts';
import { mayBegin } from '../../src/workflows/who-next.ts';

const pair = (changes: Partial<PairProgress>): PairProgress => ({ ...pristine('P'), backend: 'bigquery', ...changes });
const away = pair({ state: 'querying' });
const breaker = pair({ state: 'gated', failure: 'BackendUnavailable' });

test('on this machine one pair at a time, whatever backend it is on', () => {
  assert.ok(mayBegin([], 'local', 1));
  for (const state of ['discovering', 'merging', 'preparing', 'fetching', 'verifying', 'paused'] as const)
    assert.ok(!mayBegin([pair({ state })], 'bigquery', 4), state);
});

test('beside pairs that are on BigQuery another begins, up to the limit', () => {
  for (const state of ['staging', 'querying'] as const) assert.ok(mayBegin([pair({ state })], 'local', 4), state);
  assert.ok(mayBegin([away, away, away], 'bigquery', 4));
  assert.ok(!mayBegin([away, away, away, away], 'bigquery', 4));
  assert.ok(!mayBegin([away, pair({ state: 'fetching' })], 'bigquery', 4));
});

test('the circuit breaker: while a pair waits for BigQuery none begins there, and others may begin here', () => {
  assert.ok(!mayBegin([breaker], 'bigquery', 4));
  assert.ok(!mayBegin([away, breaker], 'bigquery', 4));
  assert.ok(mayBegin([breaker], 'local', 4));
  const shortOfDisk = pair({ state: 'gated', failure: 'DiskFull' });
  assert.ok(!mayBegin([shortOfDisk], 'local', 4), 'what waits for this machine is no reason to burden it more');
});
