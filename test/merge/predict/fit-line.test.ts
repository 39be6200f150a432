import assert from 'node:assert/strict';
import { test } from 'node:test';
import { at, errorAt, fitLine, worstError } from '../../../src/merge/predict/fit-line.ts';

test('points on a line give that line', () => {
  const points = [1, 5, 20, 100].map((x) => ({ x, y: 300 + 7 * x }));
  const line = fitLine(points);
  assert.ok(Math.abs(line.slope - 7) < 1e-9 && Math.abs(line.intercept - 300) < 1e-6);
  assert.ok(worstError(line, points) < 1e-9);
  assert.ok(Math.abs(at(line, 1000) - 7300) < 1e-6);
});

test('ten per cent off count the same at a small point as at a large one', () => {
  const points = [1, 2, 3, 4, 1000].map((x) => ({ x, y: x === 1000 ? 11_000 : 10 * x + 5 }));
  const line = fitLine(points);
  // A large point alone does not bend the line at the small ones.
  for (const point of points.slice(0, 4)) assert.ok(Math.abs(errorAt(line, point)) < 0.1, JSON.stringify(point));
});

test('a line never falls, and takes two points', () => {
  const line = fitLine([
    { x: 1, y: 100 },
    { x: 2, y: 90 },
    { x: 3, y: 95 },
  ]);
  assert.equal(line.slope, 0);
  assert.ok(line.intercept > 90 && line.intercept < 100);
  assert.throws(
    () =>
      fitLine([
        { x: 3, y: 1 },
        { x: 3, y: 2 },
      ]),
    RangeError,
  );
});
