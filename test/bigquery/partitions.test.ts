import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PARTITION_LIMITS, type PartitionLimits } from '../../src/bigquery/limits.ts';
import { planPartitions } from '../../src/bigquery/partitions.ts';

const plain = (columns: number, files: number): number[][] =>
  Array.from({ length: files }, () => Array.from({ length: columns }, () => 8));

const pair = fc.array(fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 40 }), { maxLength: 40 });
const limits = fc.record({
  columns: fc.integer({ min: 2, max: 60 }),
  tables: fc.integer({ min: 2, max: 8 }),
  queryBytes: fc.integer({ min: 9_000, max: 14_000 }),
  viewBytes: fc.constant(1e6),
  rowBytes: fc.integer({ min: 20, max: 600 }),
});

test('every column is in one partition, in its place, and every partition within its bounds', () => {
  fc.assert(
    fc.property(pair, limits, (files, bounds) => {
      const partitions = planPartitions(files, bounds);
      const seen = partitions.flatMap(({ slices }) =>
        slices.flatMap(({ file, first, count }) => Array.from({ length: count }, (_, i) => `${file}.${first + i}`)),
      );
      assert.deepEqual(
        seen,
        files.flatMap((widths, file) => widths.map((_, column) => `${file}.${column}`)),
      );
      for (const { slices, columns, rowBytes } of partitions) {
        assert.equal(
          columns,
          slices.reduce((sum, { count }) => sum + count, 0),
        );
        assert.ok(columns >= 1 && slices.every(({ count }) => count >= 1));
        // One column alone has nowhere else to go.
        if (columns === 1) continue;
        assert.ok(columns + 1 <= bounds.columns);
        assert.ok(slices.length + 1 <= bounds.tables);
        assert.ok(rowBytes <= bounds.rowBytes);
        assert.ok(slices.length * 256 + columns * 40 <= bounds.queryBytes);
      }
    }),
  );
});

test('where there are views, long names make partitions narrower: each text fits', () => {
  const files = plain(25, 400);
  const texts = files.map((widths) => widths.map((_, i) => 100 + i * 10));
  const partitions = planPartitions(files, PARTITION_LIMITS, texts);
  assert.equal(planPartitions(files).length, 2);
  assert.equal(partitions.length, 3);
  for (const { slices } of partitions) {
    const bytes = slices.flatMap(({ file, first, count }) => texts[file]!.slice(first, first + count));
    assert.ok(bytes.reduce((sum, text) => sum + text, 4096) <= 1e6);
  }
});

test('a checkpoint that fits a partition is never cut: its key is read once', () => {
  const wide: PartitionLimits = { ...PARTITION_LIMITS, columns: 41 };
  fc.assert(
    fc.property(pair, (files) => {
      const slices = planPartitions(files, wide).flatMap((partition) => partition.slices);
      assert.equal(slices.length, files.filter((widths) => widths.length > 0).length);
    }),
  );
});

test('the incident: 668 checkpoints of 25 or 26 columns are two partitions, evenly filled', () => {
  const files = [...plain(26, 337), ...plain(25, 331)];
  const columns = planPartitions(files).map((partition) => partition.columns);
  assert.equal(columns.length, 2);
  assert.equal(columns[0]! + columns[1]!, 17_037);
  assert.ok(Math.abs(columns[0]! - columns[1]!) <= 26);
});

test('half the bound gives about twice the partitions, and 10,000 columns leave no room for the position', () => {
  const files = plain(25, 668);
  const narrow = planPartitions(files, { ...PARTITION_LIMITS, columns: 5_000 });
  assert.equal(narrow.length, 4);
  assert.equal(planPartitions(plain(9_999, 1)).length, 1);
  assert.deepEqual(
    planPartitions(plain(10_000, 1)).map(({ columns }) => columns),
    [5_000, 5_000],
  );
});

test('a thousand tables are one too many beside the spine', () => {
  assert.equal(planPartitions(plain(1, 999)).length, 1);
  assert.equal(planPartitions(plain(1, 1_000)).length, 2);
});

test('columns of text are kept apart by the length of a row', () => {
  const files = [Array.from({ length: 5 }, () => 40e6)];
  assert.deepEqual(
    planPartitions(files).map(({ columns }) => columns),
    [2, 2, 1],
  );
});
