import { keyTypeOf } from './keys.ts';
import { CONVERTED, PHYSICAL, REPETITION, SCHEMA_ELEMENT } from './parquet/field-ids.ts';
import { describeType } from './parquet/logical.ts';
import type { Column } from './parquet/schema.ts';
import { i32Field, textField } from './parquet/thrift.ts';
import type { MergePlan } from './plan.ts';

/** The key column as it stands in the output's schema. */
export function outputKeyColumn(plan: MergePlan): { column: Column; optional: boolean } {
  const { spine, checkpoints, keyName } = plan;
  if (spine.source !== null) return { column: checkpoints[spine.source]!.key, optional: false };
  // In words: writers say one type in two ways.
  const forms = new Set(checkpoints.map(({ key }) => describeType(key)));
  const sameType = checkpoints.find(({ key, name }) => {
    const type = keyTypeOf(key, name);
    return type.kind === 'timestamp' && spine.type.kind === 'timestamp'
      ? type.unit === spine.type.unit
      : type.kind !== 'integer' || forms.size === 1;
  });
  if (sameType !== undefined) return { column: sameType.key, optional: true };
  // Integers of several widths: the widest holds them all.
  const isUnsigned = spine.type.kind === 'integer' && !spine.type.signed;
  const element = [
    i32Field(SCHEMA_ELEMENT.type, PHYSICAL.int64),
    i32Field(SCHEMA_ELEMENT.repetition, REPETITION.optional),
    textField(SCHEMA_ELEMENT.name, keyName),
    ...(isUnsigned ? [i32Field(SCHEMA_ELEMENT.convertedType, CONVERTED.uint64)] : []),
  ];
  const column: Column = {
    name: keyName,
    elements: [element],
    firstLeaf: 0,
    leaves: 1,
    nested: false,
    physicalType: PHYSICAL.int64,
    repetition: REPETITION.optional,
  };
  return { column, optional: true };
}
