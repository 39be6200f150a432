import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { joinRanges, placeRanges, targetOf } from '../../../src/merge/parquet/layout.ts';

const BLOCK = 4096;
const ranges = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 9000 }), fc.integer({ min: 1, max: 20_000 })), {
    minLength: 1,
    maxLength: 30,
  })
  .map((gaps) => {
    let at = 4;
    return gaps.map(([gap, length]) => {
      const start = at + gap;
      at = start + length;
      return { start, length };
    });
  });

test('every range keeps its offset in the block, and no two share a block of the output', () => {
  fc.assert(
    fc.property(ranges, fc.integer({ min: 4, max: 100_000 }), (input, position) => {
      const { segments, end } = placeRanges(joinRanges(input), position, BLOCK);
      let lastBlock = Math.floor((position - 1) / BLOCK);
      for (const { start, length, target } of segments) {
        assert.equal(target % BLOCK, start % BLOCK);
        assert.ok(Math.floor(target / BLOCK) > lastBlock);
        lastBlock = Math.floor((target + length - 1) / BLOCK);
      }
      assert.equal(end, segments.at(-1)!.target + segments.at(-1)!.length);
    }),
  );
});

test('the layout wastes less than two blocks a range', () => {
  fc.assert(
    fc.property(ranges, (input) => {
      const joined = joinRanges(input);
      const bytes = joined.reduce((sum, { length }) => sum + length, 0);
      const { end } = placeRanges(joined, 4, BLOCK);
      assert.ok(end - 4 - bytes < 2 * BLOCK * joined.length);
    }),
  );
});

test('touching ranges become one, bytes keep their distance to its start', () => {
  const joined = joinRanges([
    { start: 100, length: 50 },
    { start: 4, length: 96 },
    { start: 200, length: 10 },
  ]);
  assert.deepEqual(joined, [
    { start: 4, length: 146 },
    { start: 200, length: 10 },
  ]);
  const { segments } = placeRanges(joined, 4, BLOCK);
  assert.equal(targetOf(segments, 120), segments[0]!.target + 116);
});

test('overlapping chunks are a broken footer', () => {
  assert.throws(
    () =>
      joinRanges([
        { start: 4, length: 100 },
        { start: 50, length: 10 },
      ]),
    RangeError,
  );
});
