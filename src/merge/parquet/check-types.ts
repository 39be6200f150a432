/** Whether what a leaf is said to mean can be stored as it is stored. Source: LogicalTypes.md of the format. */
import { CONVERTED, LOGICAL, PHYSICAL, SCHEMA_ELEMENT } from './field-ids.ts';

import { integerOf, findField, readInteger, readStruct, type ThriftStruct } from './thrift.ts';
import { ThriftError, TYPE } from './thrift-cursor.ts';

const { int32, int64, byteArray, fixedLenByteArray } = PHYSICAL;
const DECIMALS = [int32, int64, byteArray, fixedLenByteArray];
const LOGICAL_STORED = new Map<number, readonly number[]>([
  [LOGICAL.string, [byteArray]],
  [LOGICAL.map, []],
  [LOGICAL.list, []],
  [LOGICAL.enum, [byteArray]],
  [LOGICAL.decimal, DECIMALS],
  [LOGICAL.date, [int32]],
  [LOGICAL.time, [int32, int64]],
  [LOGICAL.timestamp, [int64]],
  [LOGICAL.integer, [int32, int64]],
  [LOGICAL.json, [byteArray]],
  [LOGICAL.bson, [byteArray]],
  [LOGICAL.uuid, [fixedLenByteArray]],
  [LOGICAL.float16, [fixedLenByteArray]],
]);
/** By the number of the converted type. */
const CONVERTED_STORED: readonly (readonly number[])[] = [
  [byteArray],
  [],
  [],
  [],
  [byteArray],
  DECIMALS,
  [int32],
  [int32],
  [int64],
  [int64],
  [int64],
  [int32],
  [int32],
  [int32],
  [int64],
  [int32],
  [int32],
  [int32],
  [int64],
  [byteArray],
  [byteArray],
  [fixedLenByteArray],
];

/** Of a leaf, whose fields have been checked. Throws ThriftError. */
export function checkMeaning(element: ThriftStruct): void {
  const physical = integerOf(element, SCHEMA_ELEMENT.type);
  if (physical === null) return;
  const converted = integerOf(element, SCHEMA_ELEMENT.convertedType);
  if (converted !== null && !CONVERTED_STORED[converted]!.includes(physical)) throw contradiction();
  if (converted === CONVERTED.decimal)
    checkDecimal(integerOf(element, SCHEMA_ELEMENT.precision), integerOf(element, SCHEMA_ELEMENT.scale) ?? 0);
  const field = findField(element, SCHEMA_ELEMENT.logicalType);
  if (field === undefined) return;
  const union = readStruct(field.raw);
  const [logical] = union;
  if (logical === undefined || union.length > 1 || logical.type !== TYPE.struct) throw contradiction();
  if (LOGICAL_STORED.get(logical.id)?.includes(physical) === false) throw contradiction();
  checkParameters(logical.id, readStruct(logical.raw));
}

function checkParameters(logical: number, struct: ThriftStruct): void {
  const typeOf = (id: number): number | undefined => findField(struct, id)?.type;
  const isBoolean = (id: number): boolean => typeOf(id) === TYPE.true || typeOf(id) === TYPE.false;
  switch (logical) {
    case LOGICAL.decimal: {
      if (typeOf(1) !== TYPE.i32 || typeOf(2) !== TYPE.i32) throw contradiction();
      const [scale, precision] = [1, 2].map((id) => readInteger(findField(struct, id)!.raw));
      checkDecimal(precision!, scale!);
      return;
    }
    case LOGICAL.time:
    case LOGICAL.timestamp: {
      if (!isBoolean(1) || typeOf(2) !== TYPE.struct) throw contradiction();
      const unit = readStruct(findField(struct, 2)!.raw);
      if (unit.length !== 1 || unit[0]!.type !== TYPE.struct) throw contradiction();
      return;
    }
    case LOGICAL.integer:
      if (typeOf(1) !== TYPE.byte || !isBoolean(2)) throw contradiction();
  }
}

function checkDecimal(precision: number | null, scale: number): void {
  if (precision === null || precision < 1 || scale < 0 || scale > precision)
    throw new ThriftError(`has a decimal of ${precision ?? 'no'} digits, ${scale} of them behind its point`);
}

const contradiction = (): ThriftError => new ThriftError('has a column whose type cannot be stored as it is');
