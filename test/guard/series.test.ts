import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Series } from '../../src/guard/series.ts';

test('a series keeps its order, its peak and at most 200 points, however long it is', () => {
  for (const samples of [0, 1, 199, 200, 201, 399, 400, 401, 12_345]) {
    const series = new Series();
    const peakAt = Math.floor(samples / 3);
    for (let ms = 0; ms < samples; ms++) series.push(ms, ms === peakAt ? 999 : ms % 7);
    const points = series.points();
    assert.ok(points.length <= 200 && points.length >= Math.min(samples, 100), `${samples}: ${points.length}`);
    assert.deepEqual(
      points.map(([ms]) => ms),
      points.map(([ms]) => ms).toSorted((a, b) => a - b),
    );
    if (samples > 0) assert.deepEqual(points.find(([, bytes]) => bytes === 999)?.[0], peakAt);
  }
});
