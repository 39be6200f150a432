/** The judge is judged first: it accepts a right merge that it did not make, and notices each wrong one. */
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { assertMerged, compareMerged } from './compare-merged.ts';
import { temporaryFolder } from './merge-cli.ts';
import { runPython } from './python-env.ts';

const DAMAGES = [
  'one-bit',
  'nan-payload',
  'minus-zero',
  'null-to-value',
  'zone-lost',
  'micros-cut',
  'wider-type',
  'one-row-lower',
  'other-text',
  'row-lost',
  'row-twice',
  'rows-reordered',
  'column-lost',
  'column-added',
  'columns-swapped',
  'names-swapped',
  'key-last',
];

test('compare_merged.py accepts a right merge and notices every kind of damage', async (t) => {
  await using folder = await temporaryFolder();
  const sources = join(folder.path, 'sources');
  const merged = join(folder.path, 'merged');
  await mkdir(merged);
  const shape = ['--files', '6', '--columns', '180', '--rows', '800', '--misaligned', '0.7'];
  await runPython('write_checkpoints.py', [
    sources,
    ...shape,
    '--writers',
    'pyarrow,pandas',
    '--key-units',
    'us,ms,ns',
  ]);

  for (const rows of ['reference', 'intersection', 'union'] as const) {
    await runPython('merge_naively.py', [sources, merged, rows, 'none']);
    const right = await assertMerged(sources, join(merged, 'none.parquet'), { rows });
    assert.equal(right.columns, 181);
    assert.equal(right.compared, 180 * right.rows);
  }

  await runPython('merge_naively.py', [sources, merged, 'union', ...DAMAGES]);
  const outputs = DAMAGES.map((damage) => join(merged, `${damage}.parquet`));
  const comparisons = await compareMerged(sources, outputs);
  assert.equal(comparisons.length, DAMAGES.length);
  for (const [i, damage] of DAMAGES.entries())
    await t.test(damage, () => {
      assert.equal(comparisons[i]?.ok, false);
      assert.ok(comparisons[i].mismatches.length > 0);
    });
});
