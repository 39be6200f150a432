import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  columnNames,
  dataName,
  isPartName,
  manifestName,
  pairName,
  viewName,
} from '../../src/bigquery/result-names.ts';
import { checkSchema } from '../../src/emulator/schema-rules.ts';

test('names that BigQuery takes stay; others are replaced, each in the same way wherever it is', () => {
  const long = 'x'.repeat(301);
  const names = [
    'close',
    'a.b',
    'a_b',
    'Close',
    '2nd',
    'größe',
    '_partition_id',
    '_TABLE_x',
    '',
    long,
    'x'.repeat(300),
  ];
  const [close, dotted, plain, other, second, umlaut, partition, table, empty, cut, longest] = columnNames(names);
  assert.deepEqual(
    [close, plain, second, umlaut, partition, table, empty],
    ['close', 'a_b', '_2nd', 'gr__e', 'x_partition_id', 'x_TABLE_x', '_'],
  );
  assert.match(dotted!, /^a_b_[0-9a-f]{8}$/, 'a name of its own keeps it');
  assert.match(other!, /^Close_[0-9a-f]{8}$/, 'the first of two that differ in case keeps it');
  assert.match(cut!, /^x{291}_[0-9a-f]{8}$/);
  assert.equal(longest, 'x'.repeat(300));
  assert.deepEqual(columnNames(['a.b', 'a_b']).slice(0, 1), [dotted]);
  assert.deepEqual(columnNames(['a.b']), ['a_b']);
});

test('whatever the names, BigQuery takes what they become, and they are all different', () => {
  const name = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 12 }),
    fc.constantFrom('a', 'A', 'a b', 'a_b', '_FILE_', '_a_b'),
    fc.string({ minLength: 295, maxLength: 310 }),
  );
  fc.assert(
    fc.property(fc.uniqueArray(name, { maxLength: 30 }), (names) => {
      const got = columnNames(names);
      checkSchema(got.map((column) => ({ name: column, type: 'INT64' })));
      for (const column of got) assert.match(column, /^[A-Za-z_][A-Za-z0-9_]{0,299}$/);
    }),
  );
});

test("a pair's tables are told from every other pair's, and from its own kinds", () => {
  assert.equal(viewName('GBPUSD', 1), 'GBPUSD_1');
  assert.match(pairName('BTC-USD'), /^BTC_USD_[0-9a-f]{8}$/);
  assert.notEqual(pairName('BTC-USD'), pairName('BTC.USD'));
  const pairs = ['P', 'P_1', 'P_1_data', 'P_data', 'P_manifest', 'p', 'ü', 'é'];
  const names = pairs.flatMap((pair) => [
    ...[viewName(pair, 1), viewName(pair, 12), dataName(pair, 1), dataName(pair, 12), manifestName(pair)],
  ]);
  assert.equal(new Set(names).size, names.length);
  assert.deepEqual(
    ['P_1', 'P_12_data', 'P_manifest', 'P_01', 'P_1_1', 'P_1_data_1', 'P_1_manifest', 'P_data_1'].map((name) =>
      isPartName('P', name),
    ),
    [true, true, false, false, false, false, false, false],
  );
});
