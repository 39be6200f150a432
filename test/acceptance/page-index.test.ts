/** Page indexes of the sources are those of the output: the same pages and bounds, where they lie now. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { assertMerged } from '../support/compare-merged.ts';
import { merge, temporaryFolder } from '../support/merge-cli.ts';
import { runPythonJson } from '../support/python-env.ts';

interface Index {
  pages: [offset: number, length: number, firstRow: number][];
  wrong: unknown[];
  bounds: string | null;
  others: unknown;
}

describe('page indexes, by two writers', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let output: string;
  let written: { file: string; filters: object[] }[];

  before(async () => {
    folder = await temporaryFolder();
    const sources = join(folder.path, 'sources');
    output = join(folder.path, 'merged.parquet');
    written = await runPythonJson<typeof written>('write_indexed.py', [sources]);
    const summary = await merge([sources, '--out', output], folder.lock);
    assert.equal(summary.realigned, 0);
    await assertMerged(sources, output);
  });
  after(() => folder[Symbol.asyncDispose]());

  it('are those of the sources, and point at the pages', async () => {
    const dumps = await runPythonJson<Record<string, Record<string, (Index | null)[]>>>('page_index_dump.py', [
      ...written.map(({ file }) => file),
      output,
    ]);
    const merged = dumps[output]!;
    let [pages, bounds] = [0, 0];
    for (const { file } of written)
      for (const [name, indexes] of Object.entries(dumps[file]!)) {
        assert.ok(
          indexes.every((index) => index !== null && index.wrong.length === 0),
          `${file} ${name}`,
        );
        if (name === 'interval_time' && file !== written[0]!.file) continue;
        assert.deepEqual(merged[name], indexes, `${file} ${name}`);
        for (const index of indexes) {
          pages += index!.pages.length;
          if (index!.bounds !== null) bounds++;
        }
      }
    assert.ok(pages > 150 && bounds === 3 * 6 * 2 + 2, `${pages} pages, ${bounds} column indexes`);
  });

  for (const reader of ['polars', 'duckdb'])
    it(`lets ${reader} find the same rows`, async () => {
      const args = [reader, output, '--filters', JSON.stringify(written)];
      const answers = await runPythonJson<Record<string, [unknown, unknown]>>('read_with.py', args);
      assert.equal(Object.keys(answers).length, 9);
      for (const [column, [inSource, inOutput]] of Object.entries(answers)) {
        assert.ok(typeof inSource === 'number' && inSource > 0, `${column}: ${String(inSource)}`);
        assert.equal(inOutput, inSource, column);
      }
    });
});
