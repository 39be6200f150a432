import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BackendName } from '../../src/contract.ts';
import { defaultBigquery } from '../../src/config/load.ts';
import { planPair } from '../../src/cli/pair-plan.ts';
import { engineLines } from '../../src/cli/plan-engines-view.ts';
import { chooseEngine } from '../../src/cli/plan-choice.ts';
import { planEngines, type PlanSettings } from '../../src/cli/plan-engines.ts';
import type { Survey } from '../../src/merge/job.ts';

const GIB = 2 ** 30;

/** The incident's pair: 668 files, 17,038 columns x 177,748 rows. */
const survey = (changes: Partial<Survey> = {}): Survey => ({
  files: 668,
  columns: 17_035,
  bytesIn: 7.6e9,
  types: [
    { type: 'int64 timestamp us local', file: 'a.parquet', column: 'interval_time' },
    { type: 'double', file: 'a.parquet', column: 'x' },
  ],
  codecs: [],
  shapes: [
    {
      ...{ file: 'a.parquet', files: 668, rows: 177_748, keys: [{ type: 0, columns: 1, payloadBytes: 0 }] },
      columns: [{ type: 1, columns: 25.5, payloadBytes: 0 }],
    },
  ],
  sharing: null,
  alreadyMerged: null,
  ...changes,
});

const settings = (chain: BackendName[], changes: Partial<PlanSettings> = {}): PlanSettings => ({
  ...{ chain, machine: { memoryBytes: 40 * GIB, cores: 8, host: 'here' }, timeoutMs: 1_800_000, verify: 'bytes' },
  ...{ bigquery: { ...defaultBigquery(), project: 'p' }, wantsProject: true, curves: [] },
  ...changes,
});

function choose(own: PlanSettings, pair = survey()) {
  return chooseEngine(planEngines(pair, null, own), own);
}

test("the incident's pair on half of its machine: only the stitch, and BigQuery, fit", () => {
  const own = settings(['local', 'bigquery'], { machine: { memoryBytes: 19 * GIB, cores: 8, host: 'here' } });
  const engines = planEngines(survey(), null, own);
  const fits = Object.fromEntries(engines.map(({ engine, fits }) => [engine, fits]));
  assert.deepEqual(fits, {
    ...{ local: true, duckdb: false, polars: false, dask: false, pandas: false, bigquery: true },
    command: null,
  });
  for (const { engine, peakBytes, slowMs, diskBytes } of engines)
    if (engine !== 'command' && engine !== 'bigquery')
      assert.ok(peakBytes! > 0 && slowMs! > 0 && diskBytes! >= 7.6e9, engine);
});

test('the first of the chain that fits, and why those before it do not', () => {
  assert.deepEqual(choose(settings(['local', 'bigquery'])), {
    ...{ chain: ['local', 'bigquery'], engine: 'local' },
    why: 'the first of local -> bigquery: local fits',
  });
  const { engine, why } = choose(settings(['duckdb', 'local']));
  assert.equal(engine, 'local');
  assert.match(why, /^of duckdb -> local: duckdb is expected to run out of memory \(.* of 40\.0 GiB\); local fits$/);
  const slow = choose(settings(['local', 'bigquery'], { timeoutMs: 1_000 }));
  assert.equal(slow.engine, 'bigquery');
  assert.match(slow.why, /local is expected to run out of time \(.* of 1\.0 s\)/);
  assert.equal(choose(settings(['command', 'local'])).engine, 'command');
});

test('what no backend can do is set aside, with the reason', () => {
  const none = choose(settings(['duckdb', 'pandas'], { machine: { memoryBytes: GIB, cores: 2, host: 'here' } }));
  assert.equal(none.engine, null);
  assert.match(none.why, /duckdb is expected .*; pandas is expected .*: no other backend follows$/);
  const [key] = survey().types;
  const types = [key!, { type: 'int32 decimal 9 2', file: 'b.parquet', column: 'price' }];
  const refused = choose(settings(['polars', 'local']), survey({ types }));
  assert.equal(refused.engine, 'local');
  assert.match(
    refused.why,
    /polars would not take it \(b\.parquet: column price is of type int32 decimal 9 2, .*\); local fits$/,
  );
  const noProject = choose(settings(['bigquery'], { bigquery: defaultBigquery() }));
  assert.match(noProject.why, /bigquery\.project is not set/);
});

const SHAPE = { files: 1, keys: [{ type: 0, columns: 1, payloadBytes: 0 }] };
const ofType = (type: string, shortRows = 10): Survey =>
  survey({
    ...{ files: 2, columns: 7, bytesIn: 1e6 },
    types: [...survey().types, { type, file: 'b.parquet', column: 'odd' }],
    shapes: [
      { ...SHAPE, file: 'a.parquet', rows: 10, columns: [{ type: 1, columns: 5, payloadBytes: 0 }] },
      { ...SHAPE, file: 'b.parquet', rows: shortRows, columns: [{ type: 2, columns: 1, payloadBytes: 0 }] },
    ],
  });

test('duckdb hands on what it would write in another type', () => {
  for (const type of ['nested', 'int96', 'fixedLenByteArray 7', 'fixedLenByteArray 9 decimal 20 2']) {
    const { engine, why } = choose(settings(['duckdb', 'local']), ofType(type));
    assert.equal(engine, 'local', type);
    assert.match(why, /duckdb would not take it \(b\.parquet: column odd is of type .*\); local fits$/);
  }
  for (const type of ['fixedLenByteArray 16 uuid', 'fixedLenByteArray 16 decimal 38 3'])
    assert.equal(choose(settings(['duckdb', 'local']), ofType(type)).engine, 'duckdb', type);
});

test('local sets aside what it would have to rewrite, and cannot', () => {
  for (const type of ['nested', 'int96', 'fixedLenByteArray 16 uuid']) {
    assert.equal(choose(settings(['local', 'duckdb']), ofType(type)).engine, 'local', 'aligned, it is copied');
    const { engine, why } = choose(settings(['local', 'duckdb']), ofType(type, 9));
    assert.equal(engine, null);
    assert.match(why, /^local would not take it \(b\.parquet: it has other rows .*\): it would be set aside$/);
  }
  assert.equal(choose(settings(['local']), ofType('int32 decimal 9 2', 9)).engine, 'local');
});

test('a sum over some of the pairs says of how many', () => {
  const own = settings(['local']);
  const plans = [
    planPair('A', survey(), { ...own, bigquery: defaultBigquery() }),
    planPair('B', ofType('int96'), { ...own, bigquery: defaultBigquery() }),
  ];
  const lines = engineLines(plans, own);
  const bigquery = lines.find((line) => line.startsWith('bigquery'))!;
  assert.match(bigquery, /\(of 1 of 2 pairs\)/);
  assert.doesNotMatch(
    lines.find((line) => line.startsWith('local'))!,
    /of 2 pairs/,
  );
});
