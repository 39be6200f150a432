/** 120 files by four writers, some misaligned in four ways: every value equals its source, in every reader. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { assertMerged } from '../support/compare-merged.ts';
import { merge, snapshot, temporaryFolder } from '../support/merge-cli.ts';
import { runPythonJson } from '../support/python-env.ts';

interface Written {
  files: { file: string; writer: string; misaligned: string | null; columns: number }[];
}
interface Reading {
  rows: number;
  types: Record<string, string>;
  digests: Record<string, string>;
}

const READERS = ['pyarrow', 'polars', 'duckdb', 'pandas'];
const FILES = 120;
const COLUMNS = 3000;
const ROWS = 5000;
const SHAPE = ['--files', FILES, '--columns', COLUMNS, '--rows', ROWS, '--misaligned', 0.15].map(String);
const LAYOUT = ['--row-group-rows', '2048', '--key-units', 'us,ms,ns', '--fixed-length', '--processes', '2'];

describe('120 files, 3,000 columns x 5,000 rows, 15 % misaligned in four ways', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let sources: string;
  let written: Written;
  let untouched: Record<string, string>;

  before(async () => {
    folder = await temporaryFolder();
    sources = join(folder.path, 'sources');
    written = await runPythonJson<Written>('write_checkpoints.py', [sources, ...SHAPE, ...LAYOUT]);
    untouched = await snapshot(sources);
  });
  after(async () => {
    try {
      assert.deepEqual(await snapshot(sources), untouched, 'a merge changes no source');
    } finally {
      await folder[Symbol.asyncDispose]();
    }
  });

  it('has every way of being misaligned, and every writer on both sides', () => {
    const ways = Map.groupBy(written.files, ({ misaligned }) => misaligned);
    assert.deepEqual(
      [...ways.keys()].map(String).toSorted(),
      ['fewer', 'null', 'order', 'layout', 'shifted'].toSorted(),
    );
    assert.equal(written.files.length - (ways.get(null)?.length ?? 0), FILES * 0.15);
    assert.equal(new Set(written.files.map(({ writer }) => writer)).size, 4);
  });

  for (const rows of ['union', 'reference'] as const)
    it(`rows ${rows}: every value equals its source`, async () => {
      const output = join(folder.path, `${rows}.parquet`);
      const summary = await merge([sources, '--out', output, '--rows', rows], folder.lock);
      const comparison = await assertMerged(sources, output, { rows });
      assert.equal(summary.files, FILES);
      assert.equal(summary.columns, COLUMNS + 1);
      assert.equal(summary.rows, comparison.rows);
      assert.equal(comparison.compared, COLUMNS * comparison.rows);
      assert.equal(summary.aligned + summary.realigned, FILES);
      if (rows === 'reference') assert.equal(summary.realigned, FILES * 0.15);
      assert.equal(summary.verified, 'bytes');
    });

  it('is read by pyarrow, Polars, DuckDB and pandas as its sources are', async () => {
    const output = join(folder.path, 'reference.parquet');
    // One aligned file of each writer: its rows are those of the output, so that digests compare.
    const aligned = written.files.filter(({ misaligned }) => misaligned === null);
    const samples = new Map(aligned.map(({ writer, file }) => [writer, join(sources, file)]));
    for (const reader of READERS) {
      const readings = await runPythonJson<Record<string, [Reading, Reading]>>('read_with.py', [
        reader,
        output,
        '--of',
        ...samples.values(),
      ]);
      for (const [writer, path] of samples) {
        const [inSource, inOutput] = readings[path]!;
        assert.equal(Object.keys(inSource.digests).length, 1 + COLUMNS / FILES);
        // The key's unit is that of the reference; compare_merged.py has compared its instants.
        for (const { types, digests } of [inSource, inOutput]) {
          delete types['interval_time'];
          delete digests['interval_time'];
        }
        assert.deepEqual(inOutput, inSource, `a file of ${writer} in ${reader}`);
      }
    }
  });
});

describe('a smaller pair of four writers', () => {
  const shape = ['--files', '16', '--columns', '800', '--rows', '3000', '--row-group-rows', '2048'];
  const withUnits = [...shape, '--key-units', 'ns,us,ms'];

  it('rows intersection, and a reference that is not the first: every value equals its source', async () => {
    await using folder = await temporaryFolder();
    const sources = join(folder.path, 'sources');
    const written = await runPythonJson<Written>('write_checkpoints.py', [
      sources,
      ...withUnits,
      '--misaligned',
      '0.5',
    ]);
    const inner = join(folder.path, 'inner.parquet');
    const { rows } = await merge([sources, '--out', inner, '--rows', 'intersection'], folder.lock);
    assert.ok(rows > 0 && rows < 3000);
    await assertMerged(sources, inner, { rows: 'intersection' });

    for (const way of ['order', 'fewer', 'shifted']) {
      const reference = written.files.find(({ misaligned }) => misaligned === way)!.file;
      const output = join(folder.path, `${way}.parquet`);
      await merge([sources, '--out', output, '--rows', 'reference', '--reference', reference], folder.lock);
      await assertMerged(sources, output, { rows: 'reference', reference });
    }
  });
});
