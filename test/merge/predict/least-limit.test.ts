import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leastLimitBytes } from '../../../src/merge/predict/least-limit.ts';
import type { PairShape } from '../../../src/merge/predict/shape.ts';

const GIB = 2 ** 30;
const shape = (files: number, columnsEach: number, rows: number): PairShape => ({
  ...{ files, rows, columns: files * columnsEach + 1, rowGroups: 1, realigned: 0, verify: 'bytes', bytesIn: 1e7 },
});

/** Merges by DuckDB as they ended under a limit (GiB). */
const SEEN = [
  [shape(40, 25, 2_000), 1.2, false],
  [shape(40, 25, 2_000), 1.6, true],
  [shape(60, 25, 2_000), 2.4, false],
  [shape(60, 25, 2_000), 3.4, true],
  [shape(60, 25, 40_000), 6, true],
  [shape(100, 25, 10_000), 10, true],
  [shape(100, 25, 30_000), 8, false],
  [shape(120, 25, 2_000), 8, false],
  [shape(100, 50, 2_000), 6, false],
  [shape(250, 25, 4_000), 10, false],
] as const;

for (const [own, limitGib, merged] of SEEN)
  test(`duckdb, ${own.files} files, ${own.columns} columns x ${own.rows} rows under ${limitGib} GiB: ${merged ? 'merged' : 'out of memory'}`, () => {
    assert.equal(leastLimitBytes('duckdb', own, 1) <= limitGib * GIB, merged);
  });

test('the peak itself, where an engine counts what it fills', () => {
  assert.equal(leastLimitBytes('polars', shape(40, 25, 2_000), 1234), 1234);
  assert.equal(leastLimitBytes('duckdb', shape(1, 1, 1), 50 * GIB), 50 * GIB);
});
