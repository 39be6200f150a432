import assert from 'node:assert/strict';
import { test } from 'node:test';
import { viewType } from '../../src/bigquery/result-types.ts';

/** By the documented functions of GoogleSQL; what the emulator can run of them is run in leave-result.test.ts. */
const KNOWN: [described: string, type: string, sql: string][] = [
  ['boolean', 'BOOL', 'c0'],
  ['float', 'FLOAT64', 'c0'],
  ['double', 'FLOAT64', 'c0'],
  ['int32', 'INT64', 'c0'],
  ['int64', 'INT64', 'c0'],
  ['int32 integer 8 signed', 'INT64', 'c0'],
  ['int32 integer 16 unsigned', 'INT64', 'c0'],
  ['int32 integer 32 unsigned', 'INT64', 'c0 & 4294967295'],
  // The emulator's NUMERIC has 18 digits.
  [
    'int64 integer 64 unsigned',
    'NUMERIC',
    "CAST(c0 AS NUMERIC) + IF(c0 < 0, NUMERIC '18446744073709551616', NUMERIC '0')",
  ],
  ['int32 date', 'DATE', 'DATE_FROM_UNIX_DATE(c0)'],
  ['int32 time ms local', 'TIME', "TIME_ADD(TIME '00:00:00', INTERVAL c0 MILLISECOND)"],
  ['int64 time us utc', 'TIME', "TIME_ADD(TIME '00:00:00', INTERVAL c0 MICROSECOND)"],
  ['int64 time ns utc', 'INT64', 'c0'],
  ['int64 timestamp ms utc', 'TIMESTAMP', 'TIMESTAMP_MILLIS(c0)'],
  ['int64 timestamp us utc', 'TIMESTAMP', 'TIMESTAMP_MICROS(c0)'],
  ['int64 timestamp us local', 'DATETIME', 'DATETIME(TIMESTAMP_MICROS(c0))'],
  ['int64 timestamp ms local', 'DATETIME', 'DATETIME(TIMESTAMP_MILLIS(c0))'],
  ['int64 timestamp ns utc', 'INT64', 'c0'],
  ['int32 decimal 9 2', 'NUMERIC', "CAST(c0 AS NUMERIC) * NUMERIC '0.01'"],
  ['int64 decimal 18 0', 'NUMERIC', "CAST(c0 AS NUMERIC) * NUMERIC '1'"],
  ['int64 decimal 18 9', 'NUMERIC', "CAST(c0 AS NUMERIC) * NUMERIC '0.000000001'"],
  // Nor has it digits enough for these.
  ['int64 decimal 18 12', 'BIGNUMERIC', "CAST(c0 AS BIGNUMERIC) * BIGNUMERIC '0.000000000001'"],
  ['byteArray', 'BYTES', 'c0'],
  ['byteArray bson', 'BYTES', 'c0'],
  ['byteArray decimal 30 4', 'BYTES', 'c0'],
  ['byteArray string', 'STRING', 'SAFE_CONVERT_BYTES_TO_STRING(c0)'],
  ['byteArray enum', 'STRING', 'SAFE_CONVERT_BYTES_TO_STRING(c0)'],
  ['byteArray json', 'STRING', 'SAFE_CONVERT_BYTES_TO_STRING(c0)'],
  ['int32 unknown', 'INT64', 'c0'],
];

test('each Parquet type has its type and expression in the view', () => {
  for (const [described, type, sql] of KNOWN) {
    const view = viewType(described);
    assert.deepEqual([view.type, view.sql('c0')], [type, sql], described);
  }
});

test('what a type of BigQuery does not say is said in words', () => {
  const noted = KNOWN.map(([described]) => [described, viewType(described).note]).filter(([, note]) => note !== null);
  assert.deepEqual(noted, [
    ['int64 time ns utc', 'nanoseconds since midnight'],
    ['int64 timestamp ns utc', 'nanoseconds since 1970-01-01 00:00, UTC'],
    ['byteArray decimal 30 4', "unscaled decimal, big-endian two's complement, 4 digits behind the point"],
  ]);
});
