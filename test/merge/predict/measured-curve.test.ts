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
  ...{ measuredAt: '2026-03-01T00:00:00.000Z', rows: 10_000, realignedShare: 0, mostValues: 2e7 },
  ...{ baseBytes: 1e8, bytesPerValue: 20 },
  ...changes,
});

test('a measured curve is preferred to the one that is built in, and said to be', () => {
  const peak = predictPeak('pandas', shape(), machine, [curve()]);
  assert.deepEqual(peak, { bytes: 1e8 + 20 * 2_501 * 10_000, from: 'measured' });
  assert.equal(predictPeak('pandas', shape(), machine, [])?.from, 'built in');
  assert.equal(predictPeak('polars', shape(), machine, [curve()])?.from, 'built in');
  assert.equal(predictPeak('command', shape(), machine, []), null);
  assert.equal(predictPeak('command', shape(), machine, [curve({ engine: 'command' })])?.from, 'measured');
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

test('the latest counts, and takes the place of one of the same', () => {
  const older = curve({ measuredAt: '2026-02-01T00:00:00.000Z' });
  assert.equal(curveFor([curve(), older], 'pandas', shape(), machine)?.measuredAt, curve().measuredAt);
  assert.ok(replaces(curve({ bytesPerValue: 30 }), older));
  for (const other of [{ engine: 'polars' }, { rows: 5 }, { host: 'there' }, { realignedShare: 1 }] as const)
    assert.ok(!replaces(curve(other), older), JSON.stringify(other));
});
