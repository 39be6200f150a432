import assert from 'node:assert/strict';
import { test } from 'node:test';
import { queryNanos, readCost, storageNanos } from '../../src/bigquery/costs.ts';
import { GIB, MIB, TIB } from '../../src/bigquery/limits.ts';
import { halves, mostBilledBytes } from '../../src/bigquery/merge-query.ts';
import { defaultBigquery } from '../../src/config/load.ts';
import type { Staging } from '../../src/merge/staging.ts';

const ROWS = 1_000_000;

function staging(types: string[]): Staging {
  const columns = types.map((type, i) => ({
    ...{ type, name: `x${i}`, described: type, payloadBytes: type === 'byteArray' ? 4 : 0 },
  }));
  const checkpoint = {
    ...{ name: 'a', path: 'a', fingerprint: { size: 0, mtimeNs: '', ino: '', dev: '' }, tail: { path: '', bytes: 0 } },
    ...{ content: 'a', rows: ROWS, key: { type: 'int64', unsigned32: false, factor: '1' }, columns },
  };
  const spine = { path: '', bytes: 0, content: 's', keyType: 'int64' as const, keyBytes: 8 };
  return {
    version: 1,
    planId: 'p',
    rows: ROWS,
    rowGroupRows: [ROWS],
    key: { name: 'k', described: 'int64' },
    spine,
    checkpoints: [checkpoint],
  };
}

const whole = (count: number) => [{ file: 0, first: 0, count }];

test('bytes set aside: by the sizes of fixed columns, by the dry run where it says more or lengths vary', () => {
  // 16 MB of the spine and 16 MB of the column and its key, each rounded up to MiB.
  const fixed = staging(['double']);
  assert.equal(mostBilledBytes(fixed, whole(1), 32e6), 32 * MIB);
  assert.equal(mostBilledBytes(fixed, whole(1), 40e6), 39 * MIB + 20 * MIB);
  assert.equal(mostBilledBytes(staging(['byteArray']), whole(1), 30e6), 29 * MIB + 20 * MIB);
});

test('a partition in halves: slices in their order, cut where the half is; one column is not cut', () => {
  const slices = [
    { file: 0, first: 2, count: 3 },
    { file: 1, first: 0, count: 4 },
  ];
  assert.deepEqual(halves(slices), [[slices[0], { file: 1, first: 0, count: 1 }], [{ file: 1, first: 1, count: 3 }]]);
  assert.equal(halves(whole(1)), null);
});

test('costs are whole nano-dollars, rounded up; egress is for workers elsewhere', () => {
  const config = { ...defaultBigquery(), location: 'EU', workerLocation: 'eu' };
  assert.equal(queryNanos(TIB, config), 6.25e9);
  assert.equal(queryNanos(10 * MIB, config), 59_605);
  assert.equal(storageNanos(GIB, 730 * 3_600_000, config), 0.02e9);
  assert.deepEqual(readCost(TIB, config), [{ kind: 'storage-read', nanos: 1.1e9 }]);
  assert.deepEqual(readCost(GIB, { ...config, workerLocation: null }), [
    { kind: 'storage-read', nanos: 1_074_219 },
    { kind: 'egress', nanos: 0.12e9 },
  ]);
});
