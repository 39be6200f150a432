import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { combineKeys, findDuplicate, rowsOnSpine, sequenceDigest, sortKeys } from '../../../src/merge/keys/key-sets.ts';
import type { KeyValues } from '../../../src/merge/keys/key-values.ts';

const integers = (values: bigint[]): KeyValues => ({ kind: 'integer', values: BigInt64Array.from(values) });
const texts = (values: string[]): KeyValues => ({ kind: 'text', values });
const uniqueBigints = fc.uniqueArray(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), { maxLength: 60 });
const smallBigints = fc.uniqueArray(fc.bigInt({ min: -20n, max: 20n }), { maxLength: 30 });
const smallTexts = fc.uniqueArray(fc.string({ maxLength: 2 }), { maxLength: 30 });

test('union and intersection are those of sets, in ascending order', () => {
  fc.assert(
    fc.property(smallBigints, smallBigints, (a, b) => {
      const [left, right] = [sortKeys(integers(a)), sortKeys(integers(b))];
      const ascending = (set: Set<bigint>): bigint[] => [...set].sort((x, y) => (x < y ? -1 : 1));
      assert.deepEqual([...combineKeys(left, right, 'union').values], ascending(new Set(a).union(new Set(b))));
      assert.deepEqual(
        [...combineKeys(left, right, 'intersection').values],
        ascending(new Set(a).intersection(new Set(b))),
      );
    }),
  );
  fc.assert(
    fc.property(smallTexts, smallTexts, (a, b) => {
      const union = combineKeys(sortKeys(texts(a)), sortKeys(texts(b)), 'union');
      assert.deepEqual(union, sortKeys(texts([...new Set([...a, ...b])])));
    }),
  );
});

test('each spine row finds the row with its key, in whatever order either is', () => {
  fc.assert(
    fc.property(uniqueBigints, uniqueBigints, fc.boolean(), (a, b, sorted) => {
      const spine = sorted ? sortKeys(integers([...a, ...b].filter((v, i, all) => all.indexOf(v) === i))) : integers(a);
      const keys = sorted ? sortKeys(integers(b)) : integers([...b, ...a].filter((v, i, all) => all.indexOf(v) === i));
      rowsOnSpine(spine, keys).forEach((row, position) => {
        const wanted = spine.values[position]!;
        const there = [...keys.values].indexOf(wanted);
        assert.equal(row, there);
      });
    }),
  );
});

test('a duplicate is found and named', () => {
  assert.equal(findDuplicate(sortKeys(integers([3n, 1n, 3n]))), 3n);
  assert.equal(findDuplicate(sortKeys(texts(['b', 'a']))), null);
});

test('a digest tells sequences apart, also texts that join to the same', () => {
  assert.notEqual(sequenceDigest(integers([1n, 2n])), sequenceDigest(integers([2n, 1n])));
  assert.notEqual(sequenceDigest(texts(['ab', 'c'])), sequenceDigest(texts(['a', 'bc'])));
});
