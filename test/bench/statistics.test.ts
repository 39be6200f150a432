import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spreadOf } from '../../bench/lib/statistics.ts';

test('the median is the middle number, or the mean of the middle two, whatever their order', () => {
  assert.deepEqual(spreadOf([9, 1, 10]), { median: 9, least: 1, most: 10 });
  assert.deepEqual(spreadOf([4, 1, 3, 10]), { median: 3.5, least: 1, most: 10 });
  assert.deepEqual(spreadOf([7]), { median: 7, least: 7, most: 7 });
});

test('no numbers have no median', () => {
  assert.throws(() => spreadOf([]), RangeError);
});
