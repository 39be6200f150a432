import assert from 'node:assert/strict';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { keyOf, type MergeKey, type RowsMode } from '../../src/contract.ts';
import { listCheckpoints } from '../../src/merge/discover.ts';
import { unpackKeys } from '../../src/merge/keys/key-tuples.ts';
import { planMerge } from '../../src/merge/plan-merge.ts';
import type { MergePlan } from '../../src/merge/plan.ts';
import { mergeJob, temporaryFolder, writeParquet } from '../support/parquet-by-sql.ts';

async function plan(
  t: TestContext,
  queries: string[],
  { rows = 'union', reference = null, key = 'k' }: { rows?: RowsMode; reference?: string | null; key?: MergeKey } = {},
): Promise<MergePlan> {
  const dir = await temporaryFolder(t);
  await writeParquet(Object.fromEntries(queries.map((sql, i) => [join(dir, `c${i}.parquet`), sql])));
  const job = mergeJob(dir, join(dir, 'out.parquet'), { rows, reference, key });
  return planMerge(job, await listCheckpoints(job));
}

const keysOf = (merge: MergePlan): (bigint | string)[] => [...merge.spine.keys.values];
const failsWith = (pattern: RegExp) => (error: Error) => {
  assert.equal(error.name, 'CheckpointInvalid');
  assert.match(error.message, pattern);
  return true;
};

test('equal keys: all are aligned, the key chunks are taken over', async (t) => {
  const merge = await plan(t, ['SELECT range k, 1 a FROM range(10)', 'SELECT range k, 2 b FROM range(10)']);
  assert.deepEqual(merge.aligned, [true, true]);
  assert.equal(merge.spine.source, 0);
  assert.deepEqual(merge.spine.rowGroupRows, [10]);
});

test('the union keeps the sequence of the files that have it all, the most bytes winning', async (t) => {
  const merge = await plan(t, [
    'SELECT range k, 1 a FROM range(9)',
    'SELECT 9 - range k, 2 b FROM range(10)',
    'SELECT range k, 3 c FROM range(10)',
    'SELECT range k, random() d, random() e FROM range(10)',
  ]);
  assert.deepEqual(merge.aligned, [false, false, true, true]);
  assert.equal(merge.spine.source, 2);
});

test('a union that no file has is new, and ascending', async (t) => {
  const merge = await plan(t, ['SELECT 2 * range k, 1 a FROM range(3)', 'SELECT 5 - range k, 2 b FROM range(3)']);
  assert.equal(merge.spine.source, null);
  assert.deepEqual(keysOf(merge), [0n, 2n, 3n, 4n, 5n]);
});

test('intersection and reference', async (t) => {
  const queries = ['SELECT range k, 1 a FROM range(3, 9)', 'SELECT range k, 2 b FROM range(0, 6)'];
  assert.deepEqual(keysOf(await plan(t, queries, { rows: 'intersection' })), [3n, 4n, 5n]);
  const merge = await plan(t, queries, { rows: 'reference', reference: 'c1.parquet' });
  assert.deepEqual(keysOf(merge), [0n, 1n, 2n, 3n, 4n, 5n]);
  assert.deepEqual(merge.aligned, [false, true]);
  await assert.rejects(
    plan(t, queries, { rows: 'reference', reference: 'absent.parquet' }),
    failsWith(/absent\.parquet is not among/),
  );
  await assert.rejects(
    plan(t, ['SELECT 1 k, 1 a', 'SELECT 2 k, 1 b'], { rows: 'intersection' }),
    failsWith(/no key is common/),
  );
});

test('timestamps of several units compare as instants', async (t) => {
  const at = (unit: string, name: string): string =>
    `SELECT (TIMESTAMP '2024-01-01' + INTERVAL (range) MINUTE)::${unit} k, range ${name} FROM range(5)`;
  const merge = await plan(t, [at('TIMESTAMP', 'a'), at('TIMESTAMP_NS', 'b')]);
  assert.deepEqual(merge.aligned, [true, true]);
  assert.deepEqual(merge.spine.types, [{ kind: 'timestamp', unit: 'ns', utc: false }]);
});

test('keys are text, dates and unsigned integers, too', async (t) => {
  const text = await plan(t, ["SELECT * FROM (VALUES ('ä', 1), ('z', 2)) v(k, a)", "SELECT 'b' k, 2 b"]);
  assert.deepEqual(
    keysOf(text).map((key) => Buffer.from(key as string, 'latin1').toString()),
    ['b', 'z', 'ä'],
  );
  const dates = await plan(t, ["SELECT DATE '2024-01-02' k, 1 a", "SELECT DATE '2024-01-01' k, 1 b"]);
  assert.deepEqual(keysOf(dates), [19723n, 19724n]);
  const unsigned = await plan(t, ['SELECT 4000000000::UINTEGER k, 1 a', 'SELECT 5::UINTEGER k, 1 b']);
  assert.deepEqual(keysOf(unsigned), [5n, 4000000000n]);
});

test('another layout of the same keys is not aligned', async (t) => {
  const dir = await temporaryFolder(t);
  const query = (name: string): string => `SELECT range k, random() ${name} FROM range(6000)`;
  await writeParquet({ [join(dir, 'a.parquet')]: query('a'), [join(dir, 'b.parquet')]: query('b') });
  await writeParquet({ [join(dir, 'c.parquet')]: query('c') }, ', ROW_GROUP_SIZE 4096');
  const job = mergeJob(dir, join(dir, 'out.parquet'));
  const merge = await planMerge(job, await listCheckpoints(job));
  assert.deepEqual(merge.aligned, [true, true, false]);
});

test('what cannot be a key, or the same key, is refused by name', async (t) => {
  const good = 'SELECT range k, 1 a FROM range(3)';
  const refused: [string, RegExp][] = [
    ['SELECT range::DOUBLE k, 1 b FROM range(3)', /c1\.parquet: its key k is a floating-point number/],
    ["SELECT 'x' k, 1 b", /c1\.parquet: its key k is of kind text, that of c0\.parquet of kind integer/],
    ['SELECT unnest([1, 2, 1, 3]) k, 1 b', /c1\.parquet: has the key k = 1 more than once/],
    ['SELECT unnest([1, NULL, 3]) k, 1 b', /c1\.parquet: its key k is null in row 2/],
    ['SELECT 1 other', /c1\.parquet: has no key column k; its columns are other/],
    ['SELECT 1 k, 2 a', /c1\.parquet: has the column a, which c0\.parquet has, too/],
    ['SELECT 1 k, 1 b WHERE false', /c1\.parquet: has 0 rows/],
  ];
  for (const [query, message] of refused) await assert.rejects(plan(t, [good, query]), failsWith(message));
  await assert.rejects(
    plan(t, ["SELECT TIMESTAMP '2024-01-01' k, 1 a", 'SELECT to_timestamp(0) k, 1 b']),
    failsWith(/has a time zone, that of c0\.parquet has no time zone/),
  );
});

test('unsigned keys of 64 bits are whole where all are unsigned', async (t) => {
  const most = '18446744073709551615';
  const unsigned = (...values: string[]): string =>
    `unnest([${values.map((value) => `${value}::UBIGINT`).join(', ')}])`;
  const merge = await plan(t, [
    `SELECT ${unsigned(most, '1')} k, 1 a`,
    `SELECT ${unsigned('9223372036854775808')} k, 1 b`,
  ]);
  assert.deepEqual(keysOf(merge), [1n, 2n ** 63n, 2n ** 64n - 1n]);
  const narrow = await plan(t, [`SELECT ${unsigned(most)} k, 1 a`, 'SELECT 4000000000::UINTEGER k, 1 b']);
  assert.deepEqual(keysOf(narrow), [4_000_000_000n, 2n ** 64n - 1n]);
  await assert.rejects(
    plan(t, [`SELECT ${unsigned(most)} k, 1 a`, 'SELECT -1::BIGINT k, 1 b']),
    failsWith(
      /c0\.parquet: its key k has the value 18446744073709551615, which the signed keys of other files cannot hold/,
    ),
  );
});

const PAIR = ['s', 'k'];
const tuplesOf = ({ spine }: MergePlan): (bigint | string)[][] => {
  const columns = unpackKeys(spine.keys, spine.types).map(({ values }) => [...values]);
  return columns[0]!.map((_, row) => columns.map((values) => values[row]!));
};

test('keys of two columns: one plan for union, reference and intersection, ascending by the first column', async (t) => {
  const queries = [
    "SELECT * FROM (VALUES ('b', 1), ('a', 2), ('a', 1)) v(s, k), (SELECT 1 x)",
    "SELECT k, s, 2 y FROM (VALUES ('a', 2), ('b', 2)) v(s, k)",
  ];
  const union = await plan(t, queries, { key: PAIR });
  assert.deepEqual(tuplesOf(union), [['a', 1n], ['a', 2n], ['b', 1n], ['b', 2n]]); // prettier-ignore
  assert.equal(union.spine.source, null);
  assert.deepEqual(tuplesOf(await plan(t, queries, { key: ['k', 's'] })), [[1n, 'a'], [1n, 'b'], [2n, 'a'], [2n, 'b']]); // prettier-ignore
  assert.deepEqual(tuplesOf(await plan(t, queries, { key: PAIR, rows: 'intersection' })), [['a', 2n]]);
  const reference = await plan(t, queries, { key: PAIR, rows: 'reference' });
  assert.deepEqual(tuplesOf(reference), [['b', 1n], ['a', 2n], ['a', 1n]]); // prettier-ignore
  assert.deepEqual(reference.aligned, [true, false]);
});

test('files are aligned where all columns of the key are equal, whatever their units and writers', async (t) => {
  const query = (unit: string, name: string, second: string): string =>
    `SELECT (TIMESTAMP '2024-01-01' + INTERVAL (range // 2) MINUTE)::${unit} AS k, range % 2 AS s, ${second} AS ${name} FROM range(6)`;
  const other = query('TIMESTAMP', 'c', 'range').replace('range % 2', '(range + 1) % 2');
  const merge = await plan(t, [query('TIMESTAMP', 'a', 'range'), query('TIMESTAMP_NS', 'b', 'range'), other], {
    key: PAIR,
  });
  assert.deepEqual(merge.aligned, [true, true, false]);
  assert.deepEqual(
    merge.spine.types.map((type) => ('unit' in type ? type.unit : type.kind)),
    ['integer', 'ns'],
  );
});

test('what is wrong with one column of a key, or with its tuples, is refused by name', async (t) => {
  const good = "SELECT 'a' s, range k, 1 a FROM range(3)";
  const refused: [string, RegExp][] = [
    ["SELECT 'a' s, unnest([1, 2, 1]) k, 1 b", /c1\.parquet: has the key \(s, k\) = \("a", 1\) more than once/],
    ["SELECT unnest(['a', NULL]) s, 1 k, 1 b", /c1\.parquet: its key s is null in row 2/],
    ["SELECT 'a' s, unnest([1, NULL]) k, 1 b", /c1\.parquet: its key k is null in row 2/],
    ['SELECT 1.5::DOUBLE s, 1 k, 1 b', /c1\.parquet: its key s is a floating-point number/],
    ["SELECT 'a' s, 'b' k, 1 b", /c1\.parquet: its key k is of kind text, that of c0\.parquet of kind integer/],
    ["SELECT 'a' s, 1 b", /c1\.parquet: has no key column k; its columns are s, b/],
    [
      "SELECT 'a' s, 1 k, 1 a",
      /c1\.parquet: has the column a, which c0\.parquet has, too; rename one, or make it a part of the key/,
    ],
  ];
  for (const [query, message] of refused)
    await assert.rejects(plan(t, [good, query], { key: PAIR }), failsWith(message));
});

test('a column of the key that all files share in its bytes is not decoded again; tuples that repeat are still found', async (t) => {
  const merge = await plan(
    t,
    [
      "SELECT 'a' s, range k, 1 a FROM range(5)",
      "SELECT 'a' s, 4 - range k, 1 b FROM range(5)",
      "SELECT 'a' s, range + 3 k, 1 c FROM range(5)",
    ],
    { key: PAIR },
  );
  assert.equal(merge.spine.keys.values.length, 8);
  await assert.rejects(
    plan(t, ["SELECT 'a' s, range k, 1 a FROM range(4)", "SELECT 'a' s, range // 2 k, 1 b FROM range(4)"], {
      key: PAIR,
    }),
    failsWith(/c1\.parquet: has the key \(s, k\) = \("a", 0\) more than once/),
  );
});

test('one column as a list, and its name, give the same plan; other columns, or another order, another one', async (t) => {
  const dir = await temporaryFolder(t);
  await writeParquet({ [join(dir, 'a.parquet')]: "SELECT 'a' s, range k, 1 a FROM range(3)" });
  const idOf = async (key: MergeKey): Promise<string> => {
    const job = mergeJob(dir, join(dir, 'out.parquet'), { key });
    return (await planMerge(job, await listCheckpoints(job))).id;
  };
  assert.equal(await idOf('k'), await idOf(keyOf(['k'])));
  assert.equal(new Set([await idOf('k'), await idOf(['k', 's']), await idOf(['s', 'k'])]).size, 3);
});
