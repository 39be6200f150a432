/** A tenth of the incident's rows, all of its files: as quick as `cat`, in a few hundred megabytes. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { assertMerged } from '../support/compare-merged.ts';
import type { MergeSummary } from '../support/merge-cli.ts';
import { merge, temporaryFolder } from '../support/merge-cli.ts';
import { runPython } from '../support/python-env.ts';

const run = promisify(execFile);
const inMb = ({ peakMemoryBytes }: MergeSummary): number => Math.round(peakMemoryBytes / 1e6);
const residentMb = ({ peakRssBytes }: MergeSummary): number => Math.round(peakRssBytes / 1e6);
const FILES = 668;
/** The key and 25 values in each file. */
const COLUMNS = FILES * 25;
const SHAPE = ['--files', `${FILES}`, '--columns', `${COLUMNS}`, '--rows', '17775', '--kinds', 'numbers'];
const WRITING = ['--writers', 'pyarrow,polars', '--processes', '2'];
const SOAK = process.env['WIDEMERGE_SOAK'] !== undefined;
/** Other work on the machine may slow either side of one comparison. */
const MOST_TRIES = 3;

/** Wall milliseconds of `cat` of the files to one, and fsync. */
async function catMs(sources: string, output: string): Promise<number> {
  const start = performance.now();
  await run('sh', ['-c', 'cat "$1"/*.parquet > "$2" && sync "$2"', 'sh', sources, output]);
  const wallMs = performance.now() - start;
  await rm(output);
  return wallMs;
}

describe('668 files x 26 columns x 17,775 rows', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let sources: string;
  before(async () => {
    folder = await temporaryFolder();
    sources = join(folder.path, 'sources');
    await runPython('write_checkpoints.py', [sources, ...SHAPE, ...WRITING]);
  });
  after(() => folder[Symbol.asyncDispose]());

  it('aligned: correct, at most 350 MB', async (t) => {
    const output = join(folder.path, 'aligned.parquet');
    const tries: { wallMs: number; limitMs: number }[] = [];
    do {
      await rm(output, { force: true });
      await rm(`${output}.manifest.json`, { force: true });
      const limitMs = 1.5 * (await catMs(sources, join(folder.path, 'cat'))) + 3000;
      const start = performance.now();
      const summary = await merge([sources, '--out', output], folder.lock);
      const wallMs = performance.now() - start;
      tries.push({ wallMs, limitMs });
      t.diagnostic(
        `merge ${Math.round(wallMs)} ms, limit ${Math.round(limitMs)} ms, peak ${inMb(summary)} MB, ${residentMb(summary)} MB resident`,
      );
      assert.equal(summary.files, FILES);
      assert.equal(summary.columns, 1 + COLUMNS);
      assert.equal(summary.realigned, 0);
      assert.ok(inMb(summary) <= 350, `peak ${inMb(summary)} MB`);
    } while (SOAK && tries.every(({ wallMs, limitMs }) => wallMs > limitMs) && tries.length < MOST_TRIES);
    // The time is said in every run, and judged where nothing else runs beside: `make soak`.
    const last = tries.at(-1)!;
    if (SOAK) assert.ok(last.wallMs <= last.limitMs, `not within 1.5 x cat + 3 s: ${JSON.stringify(tries)}`);
    await assertMerged(sources, output);
    await rm(output);
  });

  it('10 % misaligned: correct, at most 600 MB', async (t) => {
    const output = join(folder.path, 'misaligned.parquet');
    await runPython('write_checkpoints.py', [
      sources,
      ...SHAPE,
      ...WRITING,
      '--misaligned',
      '0.1',
      '--only-misaligned',
    ]);
    // With new keys from the shifted files a union would rewrite all of them: minutes, and no other code.
    const summary = await merge([sources, '--out', output, '--rows', 'reference'], folder.lock);
    t.diagnostic(
      `merge ${Math.round(summary.wallMs)} ms, peak ${inMb(summary)} MB, ${residentMb(summary)} MB resident`,
    );
    assert.equal(summary.realigned, 67);
    assert.ok(inMb(summary) <= 600, `peak ${inMb(summary)} MB`);
    await assertMerged(sources, output, { rows: 'reference' });
  });
});
