import { CONVERTED, LOGICAL, PHYSICAL, SCHEMA_ELEMENT } from './field-ids.ts';
import type { Column } from './schema.ts';
import { integerOf, findField, readStruct } from './thrift.ts';
import { TYPE } from './thrift-cursor.ts';

/**
 * True where min and max of a column's physical values are those of its logical values, too. A part is written from
 * physical values: its bounds are wrong where the logical type has another order (unsigned integers, decimals in byte
 * arrays), and are not trusted where the type is not known here.
 */
export function boundsSurvive(column: Column): boolean {
  const type = column.physicalType;
  if (column.nested || type === null || type === PHYSICAL.int96 || type === PHYSICAL.fixedLenByteArray) return false;
  const element = column.elements[0]!;
  const logicalField = findField(element, SCHEMA_ELEMENT.logicalType);
  if (logicalField !== undefined) {
    const logical = readStruct(logicalField.raw)[0];
    switch (logical?.id) {
      case LOGICAL.string:
      case LOGICAL.enum:
      case LOGICAL.json:
      case LOGICAL.bson:
      case LOGICAL.date:
      case LOGICAL.time:
      case LOGICAL.timestamp:
        return true;
      case LOGICAL.decimal:
        return type !== PHYSICAL.byteArray;
      case LOGICAL.integer:
        return findField(readStruct(logical.raw), 2)?.type === TYPE.true;
      default:
        return false;
    }
  }
  const converted = integerOf(element, SCHEMA_ELEMENT.convertedType);
  if (converted === null) return true;
  if (converted === CONVERTED.decimal) return type !== PHYSICAL.byteArray;
  const unsigned = converted >= CONVERTED.uint8 && converted <= CONVERTED.uint64;
  return !unsigned && converted < CONVERTED.interval;
}
