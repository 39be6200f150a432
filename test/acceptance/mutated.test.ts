/**
 * Broken checkpoints by the hundred, each merged with two that are whole: a typed failure that names the file, or a right result.
 * WIDEMERGE_MUTATED_SEED looks at one seed alone.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runSeeds } from './mutated/run-seeds.ts';

/** What was once a defect. */
const REGRESSIONS = {
  'a chunk that is said to be shorter than its pages was cut off in the output': [247, 775, 1171],
  'an unknown encoding, page type or converted type made all of the output unreadable': [200, 287, 357],
  'a decimal without digits, or of too many, did, too': [169, 576],
  'a number stored as a map did, too': [623],
  'a group that has a type did, too': [1182],
  'bounds of another size than their type were taken over': [52, 668, 690],
  'a page that claims 2 GiB got them': [773, 2003],
  'what DuckDB said of a broken page had no type': [1516, 1526],
  'the file was called "file"': [3, 17, 61],
  'chunks of nested columns stood in the place of others': [599, 896],
  'the number of rows was an integer of another width': [1481],
  'a name inside of a column was no UTF-8': [1710],
  'a flat column was said to repeat': [2251],
};
const ALONE = process.env.WIDEMERGE_MUTATED_SEED;
const OFTEN = Array.from({ length: 300 }, (_, i) => i + 1);

test('mutated checkpoints: a typed failure or a right result', { timeout: 300_000 }, async (t) => {
  const seeds = ALONE === undefined ? [...new Set([...OFTEN, ...Object.values(REGRESSIONS).flat()])] : [Number(ALONE)];
  const report = await runSeeds(seeds, (line) => t.diagnostic(line));
  t.diagnostic(JSON.stringify(report));
  assert.deepEqual(report.defects, []);
  assert.ok(report.seeds + report.oracleDied.length >= seeds.length);
});
