import { LOGICAL, PHYSICAL, SCHEMA_ELEMENT } from './field-ids.ts';
import type { Column } from './schema.ts';
import { integerOf, findField, readStruct, type ThriftStruct } from './thrift.ts';
import { TYPE } from './thrift-cursor.ts';

const PHYSICAL_NAMES = new Map(Object.entries(PHYSICAL).map(([name, number]) => [number as number, name]));
const LOGICAL_NAMES = new Map(Object.entries(LOGICAL).map(([name, number]) => [number as number, name]));

/** What the older form of logical types says in the words of the newer one. */
const CONVERTED_NAMES: readonly (string | null)[] = [
  'string',
  'map',
  null,
  'list',
  'enum',
  'decimal',
  'date',
  'time ms utc',
  'time us utc',
  'timestamp ms utc',
  'timestamp us utc',
  'integer 8 unsigned',
  'integer 16 unsigned',
  'integer 32 unsigned',
  'integer 64 unsigned',
  'integer 8 signed',
  'integer 16 signed',
  'integer 32 signed',
  'integer 64 signed',
  'json',
  'bson',
  'interval',
];

/**
 * The type of a flat column in words, physical and logical, the same whichever of the two forms of logical types its
 * writer chose; so equal words mean equal types. A nested column is just `nested`.
 */
export function describeType(column: Column): string {
  if (column.nested || column.physicalType === null) return 'nested';
  const element = column.elements[0]!;
  const physical = PHYSICAL_NAMES.get(column.physicalType) ?? `type ${column.physicalType}`;
  const length =
    column.physicalType === PHYSICAL.fixedLenByteArray ? ` ${integerOf(element, SCHEMA_ELEMENT.typeLength) ?? 0}` : '';
  const logical = describeLogical(element);
  const implied = column.physicalType === PHYSICAL.int32 ? 'integer 32 signed' : 'integer 64 signed';
  // A signed integer of the physical type's own width says nothing more, and writers differ in saying it.
  return logical === null || logical === implied ? physical + length : `${physical}${length} ${logical}`;
}

function describeLogical(element: ThriftStruct): string | null {
  const field = findField(element, SCHEMA_ELEMENT.logicalType);
  if (field !== undefined) {
    const union = readStruct(field.raw)[0];
    if (union === undefined) return null;
    const name = LOGICAL_NAMES.get(union.id) ?? `logical type ${union.id}`;
    const struct = readStruct(union.raw);
    switch (union.id) {
      case LOGICAL.decimal:
        return `decimal ${numberOf(struct, 2)} ${numberOf(struct, 1)}`;
      case LOGICAL.time:
      case LOGICAL.timestamp:
        return `${name} ${unitOf(struct)} ${isTrue(struct, 1) ? 'utc' : 'local'}`;
      case LOGICAL.integer: {
        const bits = findField(struct, 1)?.raw[0] ?? 0;
        return `integer ${bits} ${isTrue(struct, 2) ? 'signed' : 'unsigned'}`;
      }
      default:
        return name;
    }
  }
  const converted = integerOf(element, SCHEMA_ELEMENT.convertedType);
  if (converted === null) return null;
  const name = CONVERTED_NAMES[converted] ?? `converted type ${converted}`;
  return name === 'decimal'
    ? `decimal ${integerOf(element, SCHEMA_ELEMENT.precision) ?? 0} ${integerOf(element, SCHEMA_ELEMENT.scale) ?? 0}`
    : name;
}

const isTrue = (struct: ThriftStruct, id: number): boolean => findField(struct, id)?.type === TYPE.true;

const numberOf = (struct: ThriftStruct, id: number): number => integerOf(struct, id) ?? 0;

function unitOf(struct: ThriftStruct): string {
  const unit = findField(struct, 2);
  const id = unit === undefined ? undefined : readStruct(unit.raw)[0]?.id;
  return ['ms', 'us', 'ns'][(id ?? 0) - 1] ?? 'unknown unit';
}
