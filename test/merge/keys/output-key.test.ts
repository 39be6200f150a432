import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { commonKeyType, keyTypeOf } from '../../../src/merge/keys/key-values.ts';
import { outputKeyColumns } from '../../../src/merge/keys/output-key.ts';
import { CONVERTED, LOGICAL, PHYSICAL, REPETITION, SCHEMA_ELEMENT } from '../../../src/merge/parquet/field-ids.ts';
import { describeType } from '../../../src/merge/parquet/logical.ts';
import type { Column } from '../../../src/merge/parquet/schema.ts';
import { type ThriftField } from '../../../src/merge/parquet/thrift.ts';
import { i32Field, structField, textField } from '../../../src/merge/parquet/write-thrift.ts';
import type { MergePlan } from '../../../src/merge/plan.ts';
import { runSteps } from '../../../src/merge/steps.ts';
import { mergeJob, temporaryFolder, writeParquet } from '../../support/parquet-by-sql.ts';

function keyColumn(physicalType: number, ...logical: ThriftField[]): Column {
  const repetition = REPETITION.optional;
  const element = [
    i32Field(SCHEMA_ELEMENT.type, physicalType),
    i32Field(SCHEMA_ELEMENT.repetition, repetition),
    textField(SCHEMA_ELEMENT.name, 'k'),
    ...logical,
  ];
  return { name: 'k', elements: [element], firstLeaf: 0, leaves: 1, nested: false, physicalType, repetition };
}

const older = (converted: number): ThriftField => i32Field(SCHEMA_ELEMENT.convertedType, converted);
const newer = (logical: number): ThriftField => structField(SCHEMA_ELEMENT.logicalType, [structField(logical, [])]);

/** The type of a key that is written anew, for checkpoints whose keys are these. */
function typeOfNewKey(...keys: Column[]): string {
  const checkpoints = keys.map((key, i) => ({ keys: [key], name: `${i}.parquet` }));
  const type = commonKeyType(
    checkpoints.map(({ keys, name }) => ({ type: keyTypeOf(keys[0]!, name), file: name, column: 'k' })),
  );
  const plan = { keyNames: ['k'], checkpoints, spine: { source: null, types: [type] } } as unknown as MergePlan;
  return describeType(outputKeyColumns(plan)[0]!.column);
}

test('a key that two writers describe in two ways keeps its type', () => {
  const text = [older(CONVERTED.utf8), newer(LOGICAL.string)];
  assert.equal(typeOfNewKey(...text.map((logical) => keyColumn(PHYSICAL.byteArray, logical))), 'byteArray string');
  const date = [older(CONVERTED.date), newer(LOGICAL.date)];
  assert.equal(typeOfNewKey(...date.map((logical) => keyColumn(PHYSICAL.int32, logical))), 'int32 date');
});

for (const [one, other] of [
  ['UTINYINT', 'UINTEGER'],
  ['UINTEGER', 'UBIGINT'],
  ['INTEGER', 'UINTEGER'],
  ['TINYINT', 'BIGINT'],
])
  test(`integer keys of several widths are merged: ${one} and ${other}`, async (t) => {
    const dir = await temporaryFolder(t);
    await writeParquet({
      [join(dir, 'a.parquet')]: `SELECT range::${one} AS k, random() AS a1 FROM range(100)`,
      [join(dir, 'b.parquet')]: `SELECT (range + 50)::${other} AS k, range AS b1 FROM range(100)`,
    });
    const events: string[] = [];
    await runSteps(mergeJob(dir, join(dir, 'out.parquet')), ({ event }) => events.push(event));
    assert.equal(events.at(-1), 'published');
  });
