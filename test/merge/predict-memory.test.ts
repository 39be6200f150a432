import assert from 'node:assert/strict';
import { test } from 'node:test';
import { predictPeakBytes, type PairShape } from '../../src/merge/predict-memory.ts';

const MIB = 2 ** 20;
const shape = (files: number, rows: number, changes: Partial<PairShape> = {}): PairShape => ({
  ...{ files, rows, columns: files * 25 + 1, rowGroups: 1, realigned: 0, verify: 'bytes' as const },
  ...changes,
});

/** Peaks of the largest step, as a guard saw them (MiB): samples of `widemerge sample`, 25 columns a file. */
const MEASURED = [
  ['local', shape(24, 2_000), 56],
  ['local', shape(100, 2_000), 68],
  ['local', shape(300, 2_000), 91],
  ['local', shape(668, 2_000), 139],
  ['local', shape(100, 20_000), 77],
  ['local', shape(300, 2_000, { verify: 'full' }), 107],
  ['local', shape(60, 2_040, { realigned: 60 }), 94],
  ['local', shape(100, 20_400, { realigned: 100 }), 154],
  ['duckdb', shape(40, 2_000), 234],
  ['duckdb', shape(20, 20_000), 363],
  ['duckdb', shape(40, 20_000), 640],
] as const;

for (const [backend, own, measured] of MEASURED)
  test(`${backend}, ${own.files} files x ${own.rows} rows, ${own.realigned} rewritten, ${own.verify}: about ${measured} MiB`, () => {
    const ratio = predictPeakBytes(backend, own)! / (measured * MIB);
    assert.ok(ratio > 0.75 && ratio < 1.34, `predicted ${ratio.toFixed(2)} times what was measured`);
  });

test("the incident's pair: hundreds of MiB stitched, more than its machine joined; of BigQuery nothing is known", () => {
  const pair = shape(668, 177_748, { columns: 17_038, rowGroups: 2 });
  assert.ok(predictPeakBytes('local', pair)! < 400 * MIB);
  assert.ok(predictPeakBytes('duckdb', pair)! > 56 * 1024 * MIB);
  assert.equal(predictPeakBytes('bigquery', pair), null);
});
