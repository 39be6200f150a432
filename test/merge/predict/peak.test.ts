import assert from 'node:assert/strict';
import { test } from 'node:test';
import { predictPeak } from '../../../src/merge/predict/peak.ts';
import type { Machine, PairShape } from '../../../src/merge/predict/shape.ts';
import type { BackendName } from '../../../src/contract.ts';

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const shape = (files: number, rows: number, changes: Partial<PairShape> = {}): PairShape => ({
  ...{ files, rows, columns: files * 25 + 1, rowGroups: 1, realigned: 0, verify: 'bytes' as const },
  // As `widemerge sample` writes them.
  bytesIn: files * 25 * rows * 5.8,
  ...changes,
});

const machine = (memoryBytes = 10 * GIB, cores = 2): Machine => ({ memoryBytes, cores, host: 'here' });
const predict = (engine: BackendName, own: PairShape, where = machine()): number =>
  predictPeak(engine, own, where, [])!.bytes;

/** Peaks as a guard saw them (MiB): samples of `widemerge sample`, 25 columns a file, two cores; sets of the bench where bytes are given. */
const MEASURED: readonly (readonly [BackendName, PairShape, number, Machine?])[] = [
  ['local', shape(24, 2_000), 56],
  ['local', shape(100, 2_000), 68],
  ['local', shape(300, 2_000), 91],
  ['local', shape(668, 2_000), 139],
  ['local', shape(100, 20_000), 77],
  ['local', shape(60, 40_000), 81],
  ['local', shape(600, 4_000), 153],
  ['local', shape(250, 12_000), 109],
  ['local', shape(668, 17_775, { columns: 17_038, bytesIn: 954e6 }), 197],
  ['local', shape(668, 177_748, { columns: 17_038, bytesIn: 7.24e9 }), 216],
  ['local', shape(300, 2_000, { verify: 'full' }), 173],
  ['local', shape(60, 40_000, { verify: 'full' }), 294],
  ['local', shape(30, 5_100, { realigned: 30 }), 172],
  ['local', shape(60, 20_400, { realigned: 60 }), 277],
  ['local', shape(16, 102_000, { realigned: 16 }), 307],
  ['local', shape(200, 5_100, { realigned: 200 }), 236],
  ['local', shape(40, 181_302, { realigned: 40, columns: 1_041 }), 351],
  ['duckdb', shape(20, 2_000), 148],
  ['duckdb', shape(40, 2_000), 237],
  ['duckdb', shape(30, 5_000), 202],
  ['duckdb', shape(60, 2_000), 282],
  ['duckdb', shape(100, 30_000), 2289],
  ['duckdb', shape(100, 2_000), 589],
  ['duckdb', shape(100, 10_000), 979],
  ['duckdb', shape(60, 40_000), 1694],
  ['duckdb', shape(20, 100_000), 1440],
  ['duckdb', shape(100, 10_000, { columns: 1_001 }), 542],
  ['duckdb', shape(40, 10_200, { realigned: 40 }), 423],
  ['polars', shape(20, 2_000), 96],
  ['polars', shape(100, 10_000), 327],
  ['polars', shape(600, 4_000), 772],
  ['polars', shape(60, 40_000), 572],
  ['polars', shape(20, 100_000), 517],
  ['polars', shape(100, 10_200, { realigned: 100 }), 583],
  ['polars', shape(250, 4_080, { realigned: 250 }), 694],
  ['pandas', shape(20, 2_000), 133],
  ['pandas', shape(100, 10_000), 368],
  ['pandas', shape(600, 4_000), 962],
  ['pandas', shape(60, 40_000), 1120],
  ['pandas', shape(20, 100_000), 747],
  ['pandas', shape(100, 10_200, { realigned: 100 }), 375],
  ['pandas', shape(40, 40_800, { realigned: 40 }), 516],
  ['dask', shape(20, 2_000), 387],
  ['dask', shape(100, 10_000), 829],
  ['dask', shape(600, 4_000), 2460],
  ['dask', shape(60, 40_000), 1742],
  ['dask', shape(60, 40_000), 1311, machine(2.5 * GIB)],
  ['dask', shape(30, 5_000), 318, machine(2.5 * GIB)],
  ['dask', shape(250, 4_080, { realigned: 250 }), 943],
];

for (const [engine, own, measured, where] of MEASURED)
  test(`${engine}, ${own.files} files x ${own.rows} rows, ${own.realigned} rewritten, ${own.verify}: about ${measured} MiB`, () => {
    const error = predict(engine, own, where) / (measured * MIB) - 1;
    assert.ok(Math.abs(error) <= 0.25, `off by ${(error * 100).toFixed(0)} %`);
  });

test("the incident's pair: hundreds of MiB stitched, more than its machine joined", () => {
  const pair = shape(668, 177_748, { columns: 17_038, rowGroups: 2 });
  assert.ok(predict('local', pair) < 400 * MIB);
  assert.ok(predict('duckdb', pair) > 56 * GIB);
  assert.ok(predict('polars', { ...pair, realigned: 668 }) > 50 * GIB);
});

test('what is read back from BigQuery takes slices, as the limit allows; of a command of a person nothing is known', () => {
  const pair = shape(668, 177_748);
  assert.ok(predict('bigquery', pair) < GIB);
  assert.equal(predict('bigquery', pair, machine(300 * MIB)), 300 * MIB);
  assert.equal(predictPeak('command', pair, machine(), []), null);
});
