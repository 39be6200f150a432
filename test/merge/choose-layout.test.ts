import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseLayout, cutRows } from '../../src/merge/choose-layout.ts';

const file = (sequence: string, rowGroupRows: number[], bytes: number) => ({ sequence, rowGroupRows, bytes });
const any = (): boolean => true;

test('the row groups that most bytes have win, not those that most files have', () => {
  const files = [file('a', [5, 5], 10), file('a', [5, 5], 10), file('a', [10], 21), file('b', [10], 90)];
  const onlyA = (sequence: string): boolean => sequence === 'a';
  assert.deepEqual(chooseLayout(files, onlyA, null), { file: 2, rowGroupRows: [10], isOwn: true });
  assert.deepEqual(chooseLayout(files.slice(0, 2), onlyA, null), { file: 0, rowGroupRows: [5, 5], isOwn: true });
  assert.equal(
    chooseLayout(files, () => false, null),
    null,
  );
});

test('asked for: files that have the row groups keep them, and where none has, the most bytes of one sequence are not sorted', () => {
  const files = [file('a', [10], 50), file('a', [4, 4, 2], 1), file('b', [10], 60)];
  assert.deepEqual(chooseLayout(files, any, 4), { file: 1, rowGroupRows: [4, 4, 2], isOwn: true });
  assert.deepEqual(chooseLayout(files, any, 3), { file: 2, rowGroupRows: [3, 3, 3, 1], isOwn: false });
  assert.deepEqual(chooseLayout(files, any, 1000), { file: 2, rowGroupRows: [10], isOwn: true });
});

test('rows are cut into equal row groups and a rest', () => {
  assert.deepEqual(cutRows(10, 5), [5, 5]);
  assert.deepEqual(cutRows(11, 5), [5, 5, 1]);
  assert.deepEqual(cutRows(0, 5), []);
});
