import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatShape, parseShape } from '../../bench/lib/checkpoints.ts';

test('a shape is three counts, with a column for each file', () => {
  assert.deepEqual(parseShape('67x1708x177748'), { files: 67, columns: 1708, rows: 177_748 });
  assert.equal(formatShape(parseShape('67x1708x177748')), '67x1708x177748');
  for (const text of ['67x1708', '67x1708x', 'x', '67x66x10', '1x1x1x1', '1.5x2x3', '-1x2x3'])
    assert.throws(() => parseShape(text), { name: 'ConfigInvalid', message: new RegExp(`^${text} is no FILES`) });
});
