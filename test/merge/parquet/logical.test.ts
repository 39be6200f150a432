import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { boundsSurvive } from '../../../src/merge/parquet/bounds.ts';
import { readFooter } from '../../../src/merge/parquet/footer.ts';
import { describeType } from '../../../src/merge/parquet/logical.ts';
import { LOGICAL, PHYSICAL, SCHEMA_ELEMENT } from '../../../src/merge/parquet/field-ids.ts';
import type { Column } from '../../../src/merge/parquet/schema.ts';
import { ThriftField, type ThriftStruct } from '../../../src/merge/parquet/thrift.ts';
import { TYPE } from '../../../src/merge/parquet/thrift-cursor.ts';
import { i32Field, structField } from '../../../src/merge/parquet/write-thrift.ts';
import { temporaryFolder, writeParquet } from '../../support/parquet-by-sql.ts';

/** Expression -> its type in words, and whether the bounds of its physical values are those of its logical ones. */
const TYPES: Record<string, [string, boolean]> = {
  '1::BIGINT': ['int64', true],
  '1::TINYINT': ['int32 integer 8 signed', true],
  '1::UTINYINT': ['int32 integer 8 unsigned', false],
  '1::UBIGINT': ['int64 integer 64 unsigned', false],
  '1::DOUBLE': ['double', true],
  true: ['boolean', true],
  "'a'": ['byteArray string', true],
  "'a'::BLOB": ['byteArray', true],
  "DATE '2024-01-01'": ['int32 date', true],
  "TIME '10:00'": ['int64 time us local', true],
  "TIMESTAMP '2024-01-01'": ['int64 timestamp us local', true],
  "TIMESTAMPTZ '2024-01-01 00:00:00+00'": ['int64 timestamp us utc', true],
  "TIMESTAMP_NS '2024-01-01'": ['int64 timestamp ns local', true],
  '1::DECIMAL(9,2)': ['int32 decimal 9 2', true],
  '1::DECIMAL(38,2)': ['fixedLenByteArray 16 decimal 38 2', false],
  uuid: ['fixedLenByteArray 16 uuid', false],
  '[1]': ['nested', false],
};

test('types in words, and whose bounds survive being rewritten as physical values', async (t) => {
  const path = join(await temporaryFolder(t), 'types.parquet');
  const expressions = Object.keys(TYPES).map((sql, i) => `${sql === 'uuid' ? 'uuid()' : sql} AS c${i}`);
  await writeParquet({ [path]: `SELECT ${expressions.join(', ')}` });
  const { columns } = await readFooter(path, path);
  assert.deepEqual(
    columns.map((column) => [describeType(column), boundsSurvive(column)]),
    Object.values(TYPES),
  );
});

const columnOf = (element: ThriftStruct, physicalType: number): Column => ({
  name: 'c',
  elements: [element],
  firstLeaf: 0,
  leaves: 1,
  nested: false,
  physicalType,
  repetition: 1,
});

test('the older and the newer form of a logical type are one type', () => {
  const { convertedType, logicalType } = SCHEMA_ELEMENT;
  const older = columnOf([i32Field(convertedType, 10)], PHYSICAL.int64);
  const micros = structField(2, [structField(2, [])]);
  const utc = new ThriftField(1, TYPE.true, new Uint8Array(0));
  const newer = columnOf([structField(logicalType, [structField(LOGICAL.timestamp, [utc, micros])])], PHYSICAL.int64);
  assert.equal(describeType(older), 'int64 timestamp us utc');
  assert.equal(describeType(newer), describeType(older));
});

test('bounds of types that are not known here, and of decimals in byte arrays, are not trusted', () => {
  const unknown = [structField(SCHEMA_ELEMENT.logicalType, [structField(99, [])])];
  assert.equal(boundsSurvive(columnOf(unknown, PHYSICAL.int64)), false);
  assert.equal(boundsSurvive(columnOf([i32Field(SCHEMA_ELEMENT.convertedType, 5)], PHYSICAL.byteArray)), false);
  assert.equal(boundsSurvive(columnOf([i32Field(SCHEMA_ELEMENT.convertedType, 5)], PHYSICAL.int64)), true);
  assert.equal(boundsSurvive(columnOf([], PHYSICAL.int96)), false);
});
