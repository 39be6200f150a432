/** Pages of nested columns whose levels say what is not so. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CODEC } from '../../../src/merge/parquet/decompress.ts';
import { PHYSICAL } from '../../../src/merge/parquet/field-ids.ts';
import { checkNestedPages } from '../../../src/merge/parquet/nested-pages.ts';
import { encodeStruct, i32Field, structField } from '../../../src/merge/parquet/write-thrift.ts';

/** An optional list of optional INT32s. */
const leaf = {
  path: ['l', 'list', 'element'],
  physicalType: PHYSICAL.int32,
  length: 0,
  maxDefinition: 3,
  maxRepetition: 1,
};

/** One page: [[7, null], [], null, [8]] with these levels, as one bit-packed run each, and two values. */
function chunk(repetition: number[], definition: number[], values = 2): Buffer {
  const run = (levels: number[], width: number): number[] => {
    const bits = levels.reduce((sum, level, i) => sum | (level << (i * width)), 0);
    const bytes = [3, ...Array.from({ length: width }, (_, i) => (bits >> (8 * i)) & 0xff)];
    return [bytes.length, 0, 0, 0, ...bytes];
  };
  const body = Buffer.from([
    ...run(repetition, 1),
    ...run(definition, 2),
    ...[7, 0, 0, 0, 8, 0, 0, 0].slice(0, 4 * values),
  ]);
  const header = encodeStruct([
    i32Field(1, 0),
    i32Field(2, body.length),
    i32Field(3, body.length),
    structField(5, [i32Field(1, repetition.length), i32Field(2, 0), i32Field(3, 3), i32Field(4, 3)]),
  ]);
  return Buffer.concat([header, body]);
}

const check = (bytes: Buffer, rows: number, values = 5): void =>
  checkNestedPages(bytes, { leaf, codec: CODEC.uncompressed, values, rows });
const REPETITION = [0, 1, 0, 0, 0];
const DEFINITION = [3, 2, 1, 0, 3];

test('a page of lists, empty ones and nulls is as it says', () => check(chunk(REPETITION, DEFINITION), 4));

test('another number of rows, of values, a row that begins nowhere, a level too high', () => {
  assert.throws(() => check(chunk(REPETITION, DEFINITION), 5), /hold 4 rows where its row group has 5/);
  assert.throws(() => check(chunk(REPETITION, DEFINITION, 1), 4), /ends in the middle of its values/);
  assert.throws(() => check(chunk(REPETITION, DEFINITION), 4, 4), /more values than its column chunk/);
  assert.throws(() => check(chunk([1, 0, 0, 0, 0], DEFINITION), 4), /begins inside of a row/);
  const deep = { ...leaf, maxDefinition: 2 };
  assert.throws(
    () => checkNestedPages(chunk(REPETITION, DEFINITION), { leaf: deep, codec: 0, values: 5, rows: 4 }),
    /levels that its schema has not/,
  );
});
