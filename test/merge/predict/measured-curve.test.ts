import assert from 'node:assert/strict';
import { test } from 'node:test';
import { curveFor, replaces, type MeasuredCurve } from '../../../src/merge/predict/measured-curve.ts';
import { predictPeak } from '../../../src/merge/predict/peak.ts';
import type { Machine, PairShape } from '../../../src/merge/predict/shape.ts';

const GIB = 2 ** 30;
const machine: Machine = { memoryBytes: 8 * GIB, cores: 2, host: 'here' };
const shape = (changes: Partial<PairShape> = {}): PairShape => ({
  ...{ files: 100, columns: 2_501, rows: 10_000, rowGroups: 1, realigned: 0, verify: 'bytes', bytesIn: 2e8 },
  ...changes,
});
const curve = (changes: Partial<MeasuredCurve> = {}): MeasuredCurve => ({
  ...{ engine: 'pandas', version: '1', host: 'here', cores: 2, memoryBytes: 8 * GIB, verify: 'bytes' },
  ...{ measuredAt: '2026-03-01T00:00:00.000Z', rows: 10_000, realignedShare: 0, leastValues: 1e6, mostValues: 2e7 },
  ...{ baseBytes: 1e8, bytesPerValue: 20, leastPeakBytes: 1.2e8 },
  ...changes,
});

test('a measured curve is preferred to the one that is built in, and said to be', () => {
  const peak = predictPeak('pandas', shape(), machine, [curve()]);
  assert.deepEqual(peak, { bytes: 1e8 + 20 * 2_501 * 10_000, from: 'measured' });
  assert.equal(predictPeak('pandas', shape(), machine, [])?.from, 'built in');
  assert.equal(predictPeak('polars', shape(), machine, [curve()])?.from, 'built in');
  assert.equal(predictPeak('command', shape(), machine, []), null);
});

test('below its first point a line that begins below nothing ends at a floor', () => {
  const own = curve({ engine: 'duckdb', baseBytes: -3e7, bytesPerValue: 150 });
  const small = shape({ files: 2, columns: 51, rows: 7_000 });
  const builtIn = predictPeak('duckdb', small, machine, [])!.bytes;
  assert.deepEqual(predictPeak('duckdb', small, machine, [own]), { bytes: builtIn, from: 'measured' });
  const lower = { ...own, leastPeakBytes: builtIn - 1e6 };
  assert.equal(predictPeak('duckdb', small, machine, [lower])?.bytes, builtIn - 1e6, 'as low as was measured');
  const flat = { ...own, baseBytes: 2e9 };
  assert.ok(predictPeak('duckdb', small, machine, [flat])!.bytes > 2e9, 'a line above the floor counts');
  assert.equal(predictPeak('duckdb', shape(), machine, [own])?.bytes, -3e7 + 150 * 2_501 * 10_000);
});

test('it is for this machine, and for pairs like those that it was measured with', () => {
  const used = (own: MeasuredCurve, pair = shape(), where = machine): boolean =>
    curveFor([own], own.engine, pair, where) !== null;
  assert.ok(used(curve()));
  assert.ok(!used(curve({ host: 'there' })));
  assert.ok(!used(curve({ cores: 8 })));
  assert.ok(!used(curve(), shape({ rows: 100_000 })), 'much longer columns');
  assert.ok(used(curve(), shape({ columns: 7_001 })));
  assert.ok(!used(curve(), shape({ columns: 17_038 })), 'too far beyond the last point');
  assert.ok(!used(curve(), shape({ realigned: 50 })), 'others are not aligned');
  assert.ok(!used(curve({ realignedShare: 1 })), 'all are aligned');
  assert.ok(used(curve({ realignedShare: 1 }), shape({ realignedAtLeast: true })), 'of which footers know nothing');
  assert.ok(!used(curve({ engine: 'local' }), shape({ verify: 'full' })));
  assert.ok(used(curve(), shape({ verify: 'full' })), 'its output is verified by value in any case');
  assert.ok(used(curve({ memoryBytes: GIB })));
  assert.ok(!used(curve({ engine: 'dask', memoryBytes: GIB })), 'Dask takes what it is given');
});

test('the nearest by its share of realigned files counts, however old', () => {
  const curves = [0, 0.9, 0.45].map((share, i) =>
    curve({ realignedShare: share, measuredAt: `2026-0${i + 1}-01T00:00:00.000Z` }),
  );
  const half = shape({ realigned: 40, realignedAtLeast: true });
  assert.equal(curveFor(curves, 'pandas', half, machine)?.realignedShare, 0.45);
  assert.equal(curveFor(curves, 'pandas', shape({ realignedAtLeast: true }), machine)?.realignedShare, 0);
});

test('the latest counts, and takes the place of one of the same', () => {
  const older = curve({ measuredAt: '2026-02-01T00:00:00.000Z' });
  assert.equal(curveFor([curve(), older], 'pandas', shape(), machine)?.measuredAt, curve().measuredAt);
  assert.ok(replaces(curve({ bytesPerValue: 30 }), older));
  for (const other of [{ engine: 'polars' }, { rows: 5 }, { host: 'there' }, { realignedShare: 1 }] as const)
    assert.ok(!replaces(curve(other), older), JSON.stringify(other));
});
