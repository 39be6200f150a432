/** Statistics of every type survive bit for bit, so that filters on the output find what they find in the sources. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { assertMerged } from '../support/compare-merged.ts';
import { merge, temporaryFolder } from '../support/merge-cli.ts';
import { runPythonJson } from '../support/python-env.ts';

interface Filter {
  column: string;
  type: string;
  value: string;
}
/** Thrift field ids of the Parquet format as keys. */
interface Chunk {
  statistics: Record<string, unknown> | null;
  sizes: unknown;
  codec: number;
  encodings: number[];
  values: number;
  bytes: number[];
}
interface Dump {
  rows: number;
  groups: number[];
  columns: Record<string, { schema: unknown; ordered: boolean; chunks: Chunk[] }>;
}

const DEPRECATED_MAX = '1';
const DEPRECATED_MIN = '2';
const MAX_VALUE = '5';
const MIN_VALUE = '6';

describe('the statistics of every type, by three writers', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let output: string;
  let written: { file: string; path: string; filters: Filter[] }[];

  before(async () => {
    folder = await temporaryFolder();
    const sources = join(folder.path, 'sources');
    output = join(folder.path, 'merged.parquet');
    const files = await runPythonJson<{ file: string; filters: Filter[] }[]>('write_types.py', [sources]);
    written = files.map((one) => ({ ...one, path: join(sources, one.file) }));
    const summary = await merge([sources, '--out', output], folder.lock);
    assert.equal(summary.realigned, 0);
    await assertMerged(sources, output);
  });
  after(() => folder[Symbol.asyncDispose]());

  it('keeps min_value, max_value, null counts and exactness as raw bytes', async () => {
    const paths = [...written.map(({ path }) => path), output];
    const dumps = await runPythonJson<Record<string, Dump>>('footer_dump.py', paths);
    const merged = dumps[output]!;
    let bounds = 0;
    for (const { path, file } of written) {
      const source = dumps[path]!;
      assert.deepEqual(merged.groups, source.groups);
      for (const [name, column] of Object.entries(source.columns)) {
        if (name === 'interval_time') continue;
        const kept = merged.columns[name]!;
        assert.deepEqual(kept.schema, column.schema, `${file} ${name}: schema element`);
        assert.equal(kept.ordered, column.ordered, `${file} ${name}: column order`);
        for (const [group, chunk] of column.chunks.entries()) {
          const expected = { ...chunk, statistics: trusted(chunk.statistics, column.ordered) };
          assert.deepEqual(kept.chunks[group], expected, `${file} ${name}, row group ${group}`);
          if (expected.statistics?.[MAX_VALUE] !== undefined) bounds += 2;
        }
      }
    }
    assert.ok(bounds > 300, `only ${bounds} bounds were there to compare`);
  });

  for (const reader of ['pyarrow', 'polars', 'duckdb'])
    it(`finds the same rows in ${reader}`, async () => {
      const filters = JSON.stringify(written.map(({ path, filters }) => ({ file: path, filters })));
      const answers = await runPythonJson<Record<string, [unknown, unknown]>>('read_with.py', [
        reader,
        output,
        '--filters',
        filters,
      ]);
      for (const [column, [inSource, inOutput]] of Object.entries(answers))
        assert.deepEqual(inOutput, inSource, column);
      const found = Object.values(answers).filter(([rows]) => typeof rows === 'number' && rows > 0).length;
      assert.ok(found > 65, `${reader} could filter only ${found} columns`);
    });
});

/** The deprecated pair is dropped; the bounds are kept where the file says how they are ordered. */
function trusted(statistics: Chunk['statistics'], ordered: boolean): Chunk['statistics'] {
  if (statistics === null) return null;
  const dropped = ordered ? [DEPRECATED_MAX, DEPRECATED_MIN] : [DEPRECATED_MAX, DEPRECATED_MIN, MAX_VALUE, MIN_VALUE];
  return Object.fromEntries(Object.entries(statistics).filter(([id]) => !dropped.includes(id)));
}
