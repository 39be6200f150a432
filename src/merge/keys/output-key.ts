import { keyTypeOf, type KeyType } from './key-values.ts';
import { CONVERTED, PHYSICAL, REPETITION, SCHEMA_ELEMENT } from '../parquet/field-ids.ts';
import { describeType } from '../parquet/logical.ts';
import type { Column } from '../parquet/schema.ts';
import { i32Field, textField } from '../parquet/write-thrift.ts';
import type { MergePlan } from '../plan.ts';

/** The key columns as they stand in the output's schema. */
export function outputKeyColumns({ spine, checkpoints, keyNames }: MergePlan): { column: Column; optional: boolean }[] {
  if (spine.source !== null) return checkpoints[spine.source]!.keys.map((column) => ({ column, optional: false }));
  return keyNames.map((name, i) => {
    const own = checkpoints.map((checkpoint) => ({ key: checkpoint.keys[i]!, file: checkpoint.name }));
    return { column: newKeyColumn(name, spine.types[i]!, own), optional: true };
  });
}

/** The column of a key that is written anew, for values of the type `common`: like that of a checkpoint where one will do. */
function newKeyColumn(name: string, common: KeyType, own: { key: Column; file: string }[]): Column {
  // In words: writers say one type in two ways.
  const forms = new Set(own.map(({ key }) => describeType(key)));
  const sameType = own.find(({ key, file }) => {
    const type = keyTypeOf(key, file);
    return type.kind === 'timestamp' && common.kind === 'timestamp'
      ? type.unit === common.unit
      : type.kind !== 'integer' || forms.size === 1;
  });
  if (sameType !== undefined) return sameType.key;
  // Integers of several widths: the widest holds them all.
  const isUnsigned = common.kind === 'integer' && !common.signed;
  const element = [
    i32Field(SCHEMA_ELEMENT.type, PHYSICAL.int64),
    i32Field(SCHEMA_ELEMENT.repetition, REPETITION.optional),
    textField(SCHEMA_ELEMENT.name, name),
    ...(isUnsigned ? [i32Field(SCHEMA_ELEMENT.convertedType, CONVERTED.uint64)] : []),
  ];
  return {
    name,
    elements: [element],
    firstLeaf: 0,
    leaves: 1,
    nested: false,
    physicalType: PHYSICAL.int64,
    repetition: REPETITION.optional,
  };
}
