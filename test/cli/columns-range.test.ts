import assert from 'node:assert/strict';
import { test } from 'node:test';
import { columnsRangeOption, fileCounts, spread } from '../../src/cli/columns-range.ts';

test('a range of percent that grows', () => {
  assert.deepEqual(columnsRangeOption('5%..100%'), { from: 0.05, to: 1 });
  assert.deepEqual(columnsRangeOption('2.5 .. 50%'), { from: 0.025, to: 0.5 });
  for (const wrong of [
    '',
    '5%',
    '5%-100%',
    '0%..50%',
    '50%..5%',
    '50%..50%',
    '5%..101%',
    '-5%..50%',
    'a..b%',
    '5..100',
  ])
    assert.throws(() => columnsRangeOption(wrong), /Give a range of percent/, wrong);
});

test('files for each point: evenly apart, growing, both ends of the range', () => {
  assert.deepEqual(fileCounts(668, { from: 0.05, to: 1 }, 6), [33, 160, 287, 414, 541, 668]);
  assert.deepEqual(fileCounts(4, { from: 0.05, to: 1 }, 6), [1, 2, 3, 4]);
  assert.deepEqual(fileCounts(2, { from: 0.05, to: 1 }, 6), [1, 2]);
  assert.deepEqual(fileCounts(0, { from: 0.05, to: 1 }, 3), [0]);
});

test('a part of the files is spread over all of them', () => {
  assert.deepEqual(spread(['a', 'b', 'c', 'd', 'e', 'f'], 3), ['b', 'd', 'f']);
  assert.deepEqual(spread(['a', 'b', 'c'], 3), ['a', 'b', 'c']);
  for (let count = 1; count <= 97; count++)
    assert.equal(
      new Set(
        spread(
          Array.from({ length: 97 }, (_, i) => i),
          count,
        ),
      ).size,
      count,
    );
});
