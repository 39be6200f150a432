import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cellTypeOf } from '../../../src/merge/gather/cells.ts';
import { MergedDictionary } from '../../../src/merge/gather/merged-dictionary.ts';
import { PHYSICAL } from '../../../src/merge/parquet/field-ids.ts';

/** Two words a value. */
const DOUBLE = cellTypeOf({ nested: false, physicalType: PHYSICAL.double, elements: [] } as never)!;
const cells = (...values: number[]): Int32Array => Int32Array.from(values.flatMap((value) => [value, -value]));

test('the first dictionary is taken as it is, values of later ones keep their numbers or are added', () => {
  const merged = new MergedDictionary(DOUBLE);
  assert.equal(merged.add(cells(5, 7), 2)!.renumbered, null);
  assert.deepEqual([...merged.add(cells(7, 9, 5, 8), 4)!.renumbered!], [1, 2, 0, 3]);
  assert.deepEqual(merged.entries, cells(5, 7, 9, 8));
  assert.deepEqual([...merged.add(cells(8), 1)!.renumbered!], [3]);
});

test('one that makes it too large is refused, and leaves it as it was', () => {
  const merged = new MergedDictionary(DOUBLE);
  const most = Array.from({ length: 65_535 }, (_, i) => i);
  merged.add(cells(...most), most.length);
  assert.equal(merged.add(cells(70_000, 70_001), 2), null);
  assert.equal(merged.entries.length, 2 * most.length);
  assert.deepEqual([...merged.add(cells(80_000, 3), 2)!.renumbered!], [65_535, 3]);
  assert.equal(merged.add(cells(90_000), 1), null);
  assert.equal(new MergedDictionary(DOUBLE).add(cells(...most, 1e6, 1e6 + 1), 65_537), null);
});
