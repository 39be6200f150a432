import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError } from '../../src/config/config-error.ts';
import { loadConfig, parseConfig } from '../../src/config/load.ts';
import { defaultMemoryBytes } from '../../src/config/machine-memory.ts';

const base = { name: 'fx', root: 'in', output: 'out', pairs: ['EURUSD', 'GBPUSD'], key: 'interval_time' };
// JSON is YAML.
const parse = (changes: Record<string, unknown>) =>
  parseConfig(JSON.stringify({ ...base, ...changes }), '/etc/x/fx.yaml');

function problems(changes: Record<string, unknown>): string[] {
  try {
    parse(changes);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.problems;
  }
  return assert.fail('the configuration was taken');
}

test('a minimal configuration gets the defaults, absolute paths, bytes and milliseconds', () => {
  const config = parse({ limits: { memory: '40GiB', timeout: '1.5h' } });
  assert.equal(config.root, '/etc/x/in');
  assert.equal(config.output, '/etc/x/out');
  assert.deepEqual(config.limits, {
    memoryBytes: 40 * 2 ** 30,
    killAboveBytes: 50 * 2 ** 30,
    timeoutMs: 90 * 60_000,
    stallMs: 600_000,
  });
  assert.deepEqual(config.checkpoints, { pattern: '*.parquet', expected: null });
  assert.deepEqual(config.backends, ['local', 'bigquery']);
  assert.equal(config.clean, 'keep');
  assert.equal(config.verify, 'bytes');
});

test('the section bigquery has defaults of its own: no project, $25, list prices', () => {
  assert.deepEqual(parse({}).bigquery, {
    project: null,
    location: 'US',
    dataset: 'widemerge_staging',
    workerLocation: null,
    stagingExpiresMs: 24 * 3600_000,
    budgetDollars: 25,
    sideBySide: 4,
    partitionColumns: 10_000,
    whenUnavailable: 'wait',
    bucket: null,
    output: 'files',
    outputDataset: 'widemerge_merged',
    prices: { queryPerTiB: 6.25, storageReadPerTiB: 1.1, storagePerGiBMonth: 0.02, egressPerGiB: 0.12 },
  });
  const own = parse({ bigquery: { project: 'fx-merges', budget: 0, stagingExpires: '2h' } }).bigquery;
  assert.equal(own?.budgetDollars, 0);
  assert.equal(own.stagingExpiresMs, 7_200_000);
});

test('a key is a name, or a list of names; a list of one is that name', () => {
  assert.equal(parse({}).key, 'interval_time');
  assert.deepEqual(parse({ key: ['symbol', 'interval_time'] }).key, ['symbol', 'interval_time']);
  assert.equal(parse({ key: ['a,b'] }).key, 'a,b');
});

test('the memory limit is 40 GiB, and less on a smaller machine', () => {
  assert.equal(defaultMemoryBytes(64 * 2 ** 30), 40 * 2 ** 30);
  assert.equal(defaultMemoryBytes(10 * 2 ** 30), 8 * 2 ** 30);
});

const refused: [string, Record<string, unknown>, string][] = [
  ['an unknown field', { key_column: 'x' }, 'key_column: unknown field; expected one of name, root'],
  ['a near miss', { verifi: 'bytes' }, 'verifi: unknown field; did you mean verify?'],
  ['a nested near miss', { limits: { memroy: '1GiB' } }, 'limits.memroy: unknown field; did you mean memory?'],
  ['a size without a unit', { limits: { memory: '40' } }, 'limits.memory: "40"; expected a size with its unit'],
  ['a size that is a number', { limits: { memory: 40 } }, 'limits.memory: 40; expected a size with its unit'],
  ['a size of nothing', { limits: { memory: '0GiB' } }, 'limits.memory: "0GiB"; expected a size of at least 64 MiB'],
  ['a duration of months', { limits: { timeout: '90d' } }, 'limits.timeout: "90d"; expected a duration above 0 and'],
  ['a percentage above 100', { health: { maxSwapUsed: '101%' } }, 'health.maxSwapUsed: "101%"; expected a percentage'],
  ['duplicate pairs', { pairs: ['A', 'B', 'A'] }, 'pairs[2]: "A"; expected each pair once'],
  ['a pair that leaves the root', { pairs: ['../x'] }, 'pairs[0]: "../x"; expected the name of a folder'],
  ['no pairs', { pairs: [] }, 'pairs: []; expected at least one pair'],
  ['pairs of another type', { pairs: 7 }, 'pairs: 7; expected a list of names, or a pattern'],
  [
    'an unknown backend',
    { backends: ['spark'] },
    'backends[0]: "spark"; expected local, bigquery, duckdb, polars, dask, pandas or command',
  ],
  [
    'a backend command without one',
    { backends: ['command'] },
    'command: no value; expected a program and its arguments',
  ],
  [
    'a command that is not told where to write',
    { backends: ['command'], command: ['merge', '{plan}'] },
    'command: ["merge","{plan}"]; expected {out} among its arguments',
  ],
  [
    'a command for nobody',
    { command: ['m', '{plan}', '{out}'] },
    'command: ["m","{plan}","{out}"]; expected command among',
  ],
  ['a backend twice', { backends: ['local', 'local'] }, 'backends[1]: "local"; expected each backend once'],
  ['a missing field', { key: undefined }, 'key: missing; expected a text'],
  ['a key without a name', { key: '' }, 'key: ""; expected the name of a column'],
  ['a key of no columns', { key: [] }, 'key: []; expected at least one column'],
  ['a column of the key twice', { key: ['k', 'l', 'k'] }, 'key[2]: "k"; expected each column once'],
  ['a key that is a number', { key: 7 }, 'key: 7; expected the name of a column, or a list of names'],
  ['a fraction of a file', { checkpoints: { expected: 1.5 } }, 'checkpoints.expected: 1.5; expected a whole number'],
  ['cleaning what was not verified', { verify: 'none', clean: 'delete' }, 'clean: "delete"; expected keep'],
  [
    'a project with capitals',
    { bigquery: { project: 'My Project' } },
    'bigquery.project: "My Project"; expected the id',
  ],
  ['a budget with its sign', { bigquery: { budget: '$25' } }, 'bigquery.budget: "$25"; expected an amount of dollars'],
  [
    'tables that are gone before they are read back',
    { bigquery: { stagingExpires: '30m' } },
    'bigquery.stagingExpires: "30m"; expected a duration of at least 1h',
  ],
  ['no pair at a time', { bigquery: { sideBySide: 0 } }, 'bigquery.sideBySide: 0; expected a whole number of pairs'],
  [
    'a partition without a column',
    { bigquery: { partitionColumns: 1 } },
    'bigquery.partitionColumns: 1; expected a whole number of columns from 2 to 10,000',
  ],
  [
    'an outage that nobody has thought of',
    { bigquery: { whenUnavailable: 'fail' } },
    'bigquery.whenUnavailable: "fail"; expected wait or nextBackend',
  ],
  [
    'a bucket of another store',
    { bigquery: { bucket: 's3://my-bucket' } },
    'bigquery.bucket: "s3://my-bucket"; expected a bucket of Cloud Storage, with a folder or without',
  ],
  ['a negative price', { bigquery: { prices: { egressPerGiB: -1 } } }, 'bigquery.prices.egressPerGiB: -1; expected'],
  [
    'a near miss of BigQuery',
    { bigquery: { locations: 'EU' } },
    'bigquery.locations: unknown field; did you mean location?',
  ],
  [
    'tables alone after another backend',
    { backends: ['local', 'bigquery'], bigquery: { output: 'tables' } },
    'backends: ["local","bigquery"]; expected [bigquery] alone, since bigquery.output is tables',
  ],
  [
    'checkpoints that go without a file',
    { backends: ['bigquery'], clean: 'delete', bigquery: { output: 'tables' } },
    'clean: "delete"; expected keep, since bigquery.output is tables',
  ],
  [
    'a result among tables that expire',
    { bigquery: { output: 'both', outputDataset: 'widemerge_staging' } },
    'bigquery.outputDataset: "widemerge_staging"; expected another dataset than bigquery.dataset',
  ],
  ['a reference without its mode', { reference: 'a.parquet' }, 'reference: "a.parquet"; expected rows: reference'],
  ['row groups of no rows', { rowGroupRows: 10 }, 'rowGroupRows: 10; expected a whole number of rows, at least 1000'],
  [
    'row groups of an engine that has its own',
    { rowGroupRows: 10_000, backends: ['local', 'polars'] },
    'rowGroupRows: 10000; expected null, since polars is among the backends',
  ],
  ['an output in a pair', { output: 'in/EURUSD/x' }, 'output: "/etc/x/in/EURUSD/x"; expected a folder that is not'],
  ['an output that is a pair', { pairs: '*', output: 'in/out' }, 'output: "/etc/x/in/out"; expected a folder that'],
];
for (const [what, changes, expected] of refused)
  test(`refuses ${what} and names it`, () => {
    const lines = problems(changes);
    assert.equal(lines.length, 1, lines.join('\n'));
    const line = lines[0] ?? '';
    assert.ok(line.startsWith(expected), line);
    assert.ok(!line.includes('\n'));
  });

test('all problems are named at once', () => {
  assert.equal(problems({ name: '', limits: { memory: 'x', stall: 'y' } }).length, 3);
});

test('broken YAML, a duplicate field and an absent file are problems of the configuration', async () => {
  assert.throws(() => parseConfig('a: [1', 'x.yaml'), ConfigError);
  assert.throws(() => parseConfig('name: a\nname: b', 'x.yaml'), ConfigError);
  assert.throws(() => parseConfig('', 'x.yaml'), ConfigError);
  assert.throws(() => parseConfig('pairs: *USD', 'x.yaml'), { name: 'ConfigInvalid', message: /USD.* in quotes$/ });
  await assert.rejects(loadConfig('/nowhere/x.yaml'), /cannot be read \(ENOENT\)/);
});

test('an output is among the pairs by the same pattern as the pairs themselves', () => {
  assert.doesNotThrow(() => parseConfig(JSON.stringify({ ...base, pairs: '[A-Z]*', output: 'in/OUT' }), '/etc/x.yaml'));
});
