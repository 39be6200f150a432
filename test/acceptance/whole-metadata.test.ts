/** What only metadata of Arrow and pandas tells is read from the output as it is from the sources. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { runMerge, temporaryFolder } from '../support/merge-cli.ts';
import { runPython, runPythonJson } from '../support/python-env.ts';

const KEY = ['interval_time', 'datetime64[us, Europe/Berlin]', 'DatetimeIndex'];
const ROWS = [null, 'int64', 'RangeIndex'];
/** By what was written: the index that pandas finds, and the files that had to be aligned. */
const MODES: Record<string, [index: (string | null)[], realigned: number]> = {
  key: [KEY, 0],
  rows: [ROWS, 0],
  polars: [ROWS, 0],
  misaligned: [KEY, 3],
};

test('categories, durations, zones, extension types and indexes are read from the whole as from its sources', async () => {
  await using folder = await temporaryFolder();
  const modes = Object.keys(MODES);
  await runPython('write_described.py', [folder.path, ...modes]);
  for (const [mode, [, realigned]] of Object.entries(MODES)) {
    const of = (name: string): string => join(folder.path, mode, name);
    const run = await runMerge([of('sources'), '--out', of('merged.parquet')], folder.lock);
    assert.equal(run.exitCode, 0, run.stderr);
    assert.equal((run.json as { realigned: number }).realigned, realigned, mode);
    assert.doesNotMatch(run.stderr, /the output has no/);
  }
  const folders = modes.map((mode) => join(folder.path, mode));
  const found = await runPythonJson<{ columns: number; index: (string | null)[] }[]>('read_described.py', folders);
  for (const [i, [index]] of Object.values(MODES).entries()) {
    assert.ok(found[i]!.columns >= 22, `${modes[i]}: ${found[i]!.columns} columns`);
    assert.deepEqual(found[i]!.index, index, modes[i]);
  }
});
