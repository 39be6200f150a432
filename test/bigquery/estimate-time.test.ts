import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ASSUMED, estimateTime } from '../../src/bigquery/estimate-time.ts';

const NOTHING = { sentBytes: 0, readBytes: 0, values: 0, queries: 0 };

test('each part of the time counts for itself, and the slow end is never below the fast one', () => {
  assert.deepEqual(estimateTime(NOTHING), { fastMs: 0, slowMs: 0 });
  assert.deepEqual(estimateTime({ ...NOTHING, queries: 2 }), {
    fastMs: 2 * ASSUMED.fastQueryMs,
    slowMs: 2 * ASSUMED.slowQueryMs,
  });
  const sent = estimateTime({ ...NOTHING, sentBytes: ASSUMED.slowLink });
  assert.equal(sent.slowMs, 1000);
  assert.ok(sent.fastMs < sent.slowMs);
  assert.deepEqual(estimateTime({ ...NOTHING, readBytes: ASSUMED.slowLink }), sent);
  const here = estimateTime({ ...NOTHING, values: 1e6 });
  assert.ok(here.fastMs > 0 && here.fastMs === here.slowMs);
});
