/**
 * Keys: what a key column may hold, and its values as exact instants, whatever unit or encoding a file chose.
 * Nothing is guessed: a kind that cannot be compared exactly (floats, another zone) is refused by name.
 */
import type { MergeFailure } from '../errors.ts';
import { invalidCheckpoint } from '../errors.ts';
import { CONVERTED, LOGICAL, PHYSICAL, SCHEMA_ELEMENT } from '../parquet/field-ids.ts';
import type { Column } from '../parquet/schema.ts';
import { integerOf, findField, readStruct, type ThriftStruct } from '../parquet/thrift.ts';
import { TYPE } from '../parquet/thrift-cursor.ts';
import type { PhysicalValues } from '../parquet/values.ts';

/** Nanoseconds in one unit of a timestamp. */
const NANOS_PER_UNIT = { ms: 1_000_000n, us: 1_000n, ns: 1n } as const;
export type TimeUnit = keyof typeof NANOS_PER_UNIT;

/** What a key column holds; keys of two checkpoints compare only where kind and zone agree. */
export type KeyType =
  | { kind: 'timestamp'; unit: TimeUnit; utc: boolean }
  | { kind: 'date' }
  | { kind: 'integer'; signed: boolean }
  | { kind: 'text' };

/**
 * Key values in the order of the rows. Integers: timestamps as instants in the finest unit among the checkpoints,
 * dates as days, integers as they are (unsigned where all checkpoints have unsigned ones). Text: the UTF-8 bytes as one
 * character each (latin1), so that equal means equal bytes and the order is that of the bytes. The tuples of a key of
 * several columns are text, too: see key-tuples.ts.
 */
export type KeyValues = { kind: 'integer'; values: KeyIntegers } | { kind: 'text'; values: string[] };
export type KeyIntegers = BigInt64Array | BigUint64Array;

/** The key of one row. */
export type KeyValue = bigint | string;

/** The key type of a column. Throws CheckpointInvalid for what cannot be a key. */
export function keyTypeOf(column: Column, file: string): KeyType {
  const element = column.elements[0]!;
  const refuse = (what: string): MergeFailure =>
    invalidCheckpoint(
      file,
      `its key ${column.name} is ${what}; a key is a timestamp, a date, an integer or a string`,
      column.name,
    );
  if (column.nested) throw refuse('nested or repeated');
  const logicalField = findField(element, SCHEMA_ELEMENT.logicalType);
  const logical = logicalField === undefined ? undefined : readStruct(logicalField.raw)[0];
  const converted = integerOf(element, SCHEMA_ELEMENT.convertedType);
  if (logical?.id === LOGICAL.unknown) throw refuse('without values, null throughout');
  switch (column.physicalType) {
    case PHYSICAL.int64:
      if (logical?.id === LOGICAL.timestamp) return timestampType(readStruct(logical.raw), refuse);
      if (logical === undefined && converted === CONVERTED.timestampMillis)
        return { kind: 'timestamp', unit: 'ms', utc: true };
      if (logical === undefined && converted === CONVERTED.timestampMicros)
        return { kind: 'timestamp', unit: 'us', utc: true };
      return integerType(logical, converted, refuse);
    case PHYSICAL.int32:
      if (logical?.id === LOGICAL.date || (logical === undefined && converted === CONVERTED.date))
        return { kind: 'date' };
      return integerType(logical, converted, refuse);
    case PHYSICAL.byteArray:
      if (logical?.id === LOGICAL.string || logical?.id === LOGICAL.enum) return { kind: 'text' };
      if (logical === undefined && converted === CONVERTED.utf8) return { kind: 'text' };
      throw refuse('binary, a decimal or a document');
    case PHYSICAL.float:
    case PHYSICAL.double:
      throw refuse('a floating-point number, which does not compare exactly');
    case PHYSICAL.int96:
      throw refuse('a timestamp of the deprecated type INT96');
    default:
      throw refuse('boolean or of fixed length (binary, decimal, UUID or float16)');
  }
}

function timestampType(struct: ThriftStruct, refuse: (what: string) => Error): KeyType {
  const unitField = findField(struct, 2);
  const unitId = unitField === undefined ? undefined : readStruct(unitField.raw)[0]?.id;
  const unit = unitId === undefined ? undefined : (['ms', 'us', 'ns'] as const)[unitId - 1];
  if (unit === undefined) throw refuse('a timestamp of an unknown unit');
  return { kind: 'timestamp', unit, utc: findField(struct, 1)?.type === TYPE.true };
}

function integerType(
  logical: { id: number; raw: Uint8Array } | undefined,
  converted: number | null,
  refuse: (what: string) => Error,
): KeyType {
  if (logical?.id === LOGICAL.integer)
    return { kind: 'integer', signed: findField(readStruct(logical.raw), 2)?.type === TYPE.true };
  if (logical !== undefined) throw refuse('a decimal or a time');
  if (converted === null || (converted >= CONVERTED.int8 && converted <= CONVERTED.int64))
    return { kind: 'integer', signed: true };
  if (converted >= CONVERTED.uint8 && converted <= CONVERTED.uint64) return { kind: 'integer', signed: false };
  throw refuse('a decimal or a time');
}

/** What a key of the type `from` is multiplied by to be one of the type `to`, of the same kind and no coarser. */
export const keyFactor = (from: KeyType, to: KeyType): bigint =>
  from.kind === 'timestamp' && to.kind === 'timestamp' ? NANOS_PER_UNIT[from.unit] / NANOS_PER_UNIT[to.unit] : 1n;

/** The type in which the keys of all files compare: the finest unit. Throws where kinds or zones differ. */
export function commonKeyType(types: { type: KeyType; file: string; column: string }[]): KeyType {
  const first = types[0]!;
  let common = first.type;
  for (const { type, file, column } of types) {
    if (type.kind !== common.kind)
      throw invalidCheckpoint(
        file,
        `its key ${column} is of kind ${type.kind}, that of ${first.file} of kind ${common.kind}; write both with one type`,
        column,
      );
    if (type.kind === 'timestamp' && common.kind === 'timestamp') {
      if (type.utc !== common.utc)
        throw invalidCheckpoint(
          file,
          `its key ${column} ${describeZone(type)}, that of ${first.file} ${describeZone(common)}; write both with or without a zone`,
          column,
        );
      if (NANOS_PER_UNIT[type.unit] < NANOS_PER_UNIT[common.unit]) common = type;
    }
    // With a signed one among them all are signed: that unsigned values fit is checked when they are decoded.
    if (type.kind === 'integer' && common.kind === 'integer' && type.signed) common = type;
  }
  return common;
}

const describeZone = (type: { utc: boolean }): string => (type.utc ? 'has a time zone' : 'has no time zone');

/** Physical values of a key column as comparable keys of the type `to`. Throws CheckpointInvalid on null keys. */
export function decodeKeys(
  values: PhysicalValues,
  from: KeyType,
  to: KeyType,
  place: { file: string; column: string },
): KeyValues {
  const nullAt = values.nulls?.indexOf(1) ?? -1;
  if (nullAt >= 0)
    throw invalidCheckpoint(place.file, `its key ${place.column} is null in row ${nullAt + 1}`, place.column);
  if (values.kind === 'bytes') {
    const texts = values.values;
    return {
      kind: 'text',
      values: texts.map((bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')),
    };
  }
  const unsigned = from.kind === 'integer' && !from.signed;
  const toUnsigned = to.kind === 'integer' && !to.signed;
  if (values.kind === 'i64') {
    const longs = values.values;
    if (toUnsigned)
      return { kind: 'integer', values: new BigUint64Array(longs.buffer, longs.byteOffset, longs.length) };
    const beyond = unsigned ? longs.find((value) => value < 0n) : undefined;
    if (beyond !== undefined)
      throw invalidCheckpoint(
        place.file,
        `its key ${place.column} has the value ${BigInt.asUintN(64, beyond)}, which the signed keys of other files cannot hold; write all of them unsigned`,
        place.column,
      );
    return { kind: 'integer', values: rescale(longs, from, to, place) };
  }
  const ints = values.values as Int32Array;
  const whole = (value: number): bigint => BigInt(unsigned ? value >>> 0 : value);
  return { kind: 'integer', values: toUnsigned ? BigUint64Array.from(ints, whole) : BigInt64Array.from(ints, whole) };
}

function rescale(
  values: BigInt64Array,
  from: KeyType,
  to: KeyType,
  place: { file: string; column: string },
): BigInt64Array {
  if (from.kind !== 'timestamp' || to.kind !== 'timestamp' || from.unit === to.unit) return values;
  const factor = keyFactor(from, to);
  return values.map((value) => {
    const scaled = value * factor;
    if (BigInt.asIntN(64, scaled) !== scaled)
      throw invalidCheckpoint(
        place.file,
        `its key ${place.column} has the instant ${value} ${from.unit}, which ${to.unit} of other files cannot hold`,
        place.column,
      );
    return scaled;
  });
}

/** A key value as people write it, for messages. */
export function formatKey(value: KeyValue, type: KeyType): string {
  if (typeof value === 'string') return JSON.stringify(Buffer.from(value, 'latin1').toString());
  if (type.kind === 'date') return isoOrNumber(value * 86_400_000n, (iso) => iso.slice(0, 10));
  if (type.kind !== 'timestamp') return value.toString();
  const nanos = value * NANOS_PER_UNIT[type.unit];
  const millis = nanos / 1_000_000n;
  const rest = nanos % 1_000_000n;
  return isoOrNumber(millis, (iso) =>
    rest === 0n ? iso : `${iso.slice(0, -1)}${rest.toString().replace('-', '').padStart(6, '0')}Z`,
  );
}

function isoOrNumber(millis: bigint, format: (iso: string) => string): string {
  const date = new Date(Number(millis));
  return Number.isNaN(date.getTime()) ? millis.toString() : format(date.toISOString());
}

export const keyCount = (keys: KeyValues): number => keys.values.length;

/** So many zeros, signed or not as the others. */
export const integersLike = (values: KeyIntegers, length: number): KeyIntegers =>
  values instanceof BigUint64Array ? new BigUint64Array(length) : new BigInt64Array(length);

/** The keys of several row groups as one sequence. */
export function concatKeys(parts: KeyValues[]): KeyValues {
  const first = parts[0];
  if (parts.length === 1 && first !== undefined) return first;
  if (first?.kind === 'integer' && parts.every((part) => part.kind === 'integer')) {
    const values = integersLike(
      first.values,
      parts.reduce((sum, part) => sum + part.values.length, 0),
    );
    let at = 0;
    for (const part of parts) {
      values.set(part.values, at);
      at += part.values.length;
    }
    return { kind: 'integer', values };
  }
  return { kind: 'text', values: parts.flatMap((part) => (part.kind === 'text' ? part.values : [])) };
}
