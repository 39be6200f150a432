import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { keepCurve, readCurves } from '../../src/backends/measured-curves.ts';
import type { MeasuredCurve } from '../../src/merge/predict/measured-curve.ts';
import { VERSION } from '../../src/merge/version.ts';
import { temporaryFolder } from '../support/parquet-by-sql.ts';

const curve = (changes: Partial<MeasuredCurve> = {}): MeasuredCurve => ({
  ...{ engine: 'duckdb', version: VERSION, host: 'here', cores: 2, memoryBytes: 2 ** 30, verify: 'bytes' },
  ...{ measuredAt: '2026-03-01T00:00:00.000Z', rows: 1_000, realignedShare: 0, leastValues: 1e5, mostValues: 1e6 },
  ...{ baseBytes: -1e6, bytesPerValue: 20.5, leastPeakBytes: 2e6 },
  ...changes,
});

test('what is kept is read again, in place of the same of before; other versions do not count', async (t) => {
  const folder = await temporaryFolder(t);
  const path = join(folder, 'new', 'curves.json');
  assert.deepEqual(await readCurves(path), { curves: [], remark: null });
  await keepCurve(curve(), path);
  await keepCurve(curve({ engine: 'pandas' }), path);
  await keepCurve(curve({ bytesPerValue: 21 }), path);
  await keepCurve(curve({ version: '0.0.0', rows: 7 }), path);
  const { curves } = await readCurves(path);
  assert.deepEqual(curves, [curve({ engine: 'pandas' }), curve({ bytesPerValue: 21 })]);
  assert.deepEqual(await readdir(join(folder, 'new')), ['curves.json', 'curves.json.lock']);
});

test('a file that is broken, or of something else, is no reason to fail: it is told, and written anew', async (t) => {
  const path = join(await temporaryFolder(t), 'curves.json');
  for (const text of ['{', '{"curves": {}}']) {
    await writeFile(path, text);
    const { curves, remark } = await readCurves(path);
    assert.deepEqual(curves, []);
    assert.match(remark!, /curves\.json is broken; what is built in is used/);
    await keepCurve(curve(), path);
    assert.deepEqual((await readCurves(path)).curves, [curve()]);
  }
});

test('an entry of another version neither counts nor is lost', async (t) => {
  const path = join(await temporaryFolder(t), 'curves.json');
  const newer = { ...curve(), version: '9.0.0', engine: 'excel', bend: 2 };
  const ofCommand = { ...curve(), engine: 'command' };
  await writeFile(path, JSON.stringify({ curves: [newer, curve(), 7, ofCommand] }));
  assert.deepEqual(await readCurves(path), { curves: [curve()], remark: null });
  await keepCurve(curve({ bytesPerValue: 21 }), path);
  const { curves } = JSON.parse(await readFile(path, 'utf8')) as { curves: unknown[] };
  assert.deepEqual(curves, [newer, 7, ofCommand, curve({ bytesPerValue: 21 })]);
});

test('curves that are kept at the same time are all kept', async (t) => {
  const path = join(await temporaryFolder(t), 'curves.json');
  const rows = Array.from({ length: 12 }, (_, i) => i + 1);
  await Promise.all(rows.map((own) => keepCurve(curve({ rows: own }), path)));
  assert.deepEqual(
    (await readCurves(path)).curves.map((own) => own.rows).toSorted((a, b) => a - b),
    rows,
  );
});

test('one that cannot be read is told, and not written over', async (t) => {
  const path = join(await temporaryFolder(t), 'curves.json');
  await mkdir(path);
  assert.match((await readCurves(path)).remark!, /cannot be read: .*EISDIR/);
  await assert.rejects(keepCurve(curve(), path), /EISDIR/);
});
