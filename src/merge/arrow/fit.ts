/**
 * Whether a field of an Arrow schema can be what a Parquet column is. Readers take its word: a type that there is not, or that the column
 * cannot hold, would make all of the output unreadable to some of them, and not that column alone. Pure.
 */
import { isUtf8 } from 'node:buffer';
import { LOGICAL, PHYSICAL, SCHEMA_ELEMENT } from '../parquet/field-ids.ts';
import type { Column } from '../parquet/schema.ts';
import { findField, integerOf, readStruct, type ThriftStruct } from '../parquet/thrift.ts';
import type { Row, Rows } from './flatbuffer.ts';
import { ARROW_TYPE as T, DICTIONARY, FIELD } from './schema-message.ts';

export function fitsColumn(field: Row, column: Column): boolean {
  const leaves = column.elements.filter((element) => (integerOf(element, SCHEMA_ELEMENT.numChildren) ?? 0) === 0);
  const next = leaves.values();
  return (
    textOf(field[FIELD.name]) === column.name &&
    fitsTree(field, next, column.nested) &&
    next.next().done === true &&
    leaves.length === column.leaves
  );
}

/** Takes the Parquet leaves that the field has below it, in order. */
function fitsTree(field: Row, leaves: ArrayIterator<ThriftStruct>, nested: boolean): boolean {
  const children = [...((field[FIELD.children] as Rows | undefined) ?? [])];
  const type = field[FIELD.type] as Row | undefined;
  if (type === undefined || !isReadable(field) || !fitsExtension(field)) return false;
  const all = (): boolean => children.every((child) => fitsTree(child, leaves, true));
  switch (field[FIELD.typeId]) {
    case T.struct:
      return nested && children.length > 0 && all();
    case T.map: {
      const entries = children[0];
      const pair = [...((entries?.[FIELD.children] as Rows | undefined) ?? [])];
      return nested && children.length === 1 && entries?.[FIELD.typeId] === T.struct && pair.length === 2 && all();
    }
    case T.fixedSizeList:
      return nested && children.length === 1 && number(type[0]) > 0 && all();
    case T.list:
    case T.largeList:
    case T.listView:
    case T.largeListView:
      return nested && children.length === 1 && all();
    default: {
      const leaf = leaves.next().value;
      return children.length === 0 && leaf !== undefined && fitsDictionary(field) && fitsLeaf(field, type, leaf);
    }
  }
}

const TEXTS: readonly number[] = [T.utf8, T.largeUtf8, T.utf8View];
const BINARIES: readonly number[] = [T.binary, T.largeBinary, T.binaryView];
const SECONDS_OR_MILLIS = 1;

function fitsLeaf(field: Row, type: Row, leaf: ThriftStruct): boolean {
  const physical = integerOf(leaf, SCHEMA_ELEMENT.type);
  const isOne = (...types: (number | null)[]): boolean => types.includes(physical);
  const { int32, int64, byteArray, fixedLenByteArray } = PHYSICAL;
  const id = number(field[FIELD.typeId]);
  if (TEXTS.includes(id)) return isOne(byteArray) && isText(leaf);
  if (BINARIES.includes(id)) return isOne(byteArray);
  switch (id) {
    case T.null:
      return logicalOf(leaf) === LOGICAL.unknown;
    case T.bool:
      return isOne(PHYSICAL.boolean);
    case T.int:
      return isInt(type) && isOne(int64, number(type[0]) === 64 ? null : int32);
    case T.floatingPoint:
      return isOne([fixedLenByteArray, PHYSICAL.float, PHYSICAL.double][number(type[0])] ?? null);
    case T.decimal: {
      const [precision, scale, bits] = [number(type[0]), number(type[1]), type[2] ?? 128];
      const digits = new Map<unknown, number>([
        [32, 9],
        [64, 18],
        [128, 38],
        [256, 76],
      ]);
      const isOwn =
        precision === integerOf(leaf, SCHEMA_ELEMENT.precision) &&
        scale === (integerOf(leaf, SCHEMA_ELEMENT.scale) ?? 0);
      return isOwn && precision <= (digits.get(bits) ?? 0) && isOne(int32, int64, byteArray, fixedLenByteArray);
    }
    case T.date:
      return isOne(int32, int64) && within(type[0] ?? 1, 1);
    case T.time: {
      const isShort = within(type[0] ?? SECONDS_OR_MILLIS, SECONDS_OR_MILLIS);
      const isKnown = within(type[0] ?? SECONDS_OR_MILLIS, 3) && (type[1] ?? 32) === (isShort ? 32 : 64);
      return isKnown && isOne(isShort ? int32 : int64);
    }
    case T.timestamp:
      return (
        isOne(int64, PHYSICAL.int96) && within(type[0] ?? 0, 3) && (type[1] === undefined || isZone(textOf(type[1])))
      );
    case T.duration:
      return isOne(int64) && within(type[0] ?? SECONDS_OR_MILLIS, 3);
    case T.fixedSizeBinary:
      return isOne(fixedLenByteArray) && number(type[0]) === integerOf(leaf, SCHEMA_ELEMENT.typeLength);
    default:
      return false;
  }
}

function fitsDictionary(field: Row): boolean {
  const dictionary = field[FIELD.dictionary] as Row | undefined;
  const indexType = dictionary?.[DICTIONARY.indexType] as Row | undefined;
  return indexType === undefined || isInt(indexType);
}

/** Polars reads no schema that has other texts than UTF-8. */
const isReadable = (field: Row): boolean =>
  [field[FIELD.name] ?? new Uint8Array(), ...[...((field[FIELD.metadata] as Rows | undefined) ?? [])].flat()].every(
    (text) => text instanceof Uint8Array && isUtf8(text),
  );

/** Of the extension types that pyarrow itself makes into another class; it refuses a schema in which they lie on another type. */
function fitsExtension(field: Row): boolean {
  for (const [key, value] of (field[FIELD.metadata] as Rows | undefined) ?? [])
    if (textOf(key) === 'ARROW:extension:name') {
      const id = number(field[FIELD.typeId]);
      const type = field[FIELD.type] as Row;
      const name = textOf(value);
      if (name === 'arrow.uuid' && !(id === T.fixedSizeBinary && type[0] === 16)) return false;
      if (name === 'arrow.json' && !TEXTS.includes(id)) return false;
      if (name === 'arrow.bool8' && !(id === T.int && type[0] === 8 && type[1] === 1)) return false;
    }
  return true;
}

const isInt = (type: Row): boolean => [8, 16, 32, 64].includes(number(type[0]));
const within = (value: Row[number], most: number): boolean => number(value) >= 0 && number(value) <= most;
const number = (value: Row[number]): number => (typeof value === 'number' ? value : 0);
const textOf = (value: Row[number]): string => (value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : '');

const logicalOf = (leaf: ThriftStruct): number | null => {
  const field = findField(leaf, SCHEMA_ELEMENT.logicalType);
  return field === undefined ? null : (readStruct(field.raw)[0]?.id ?? null);
};

/** Bytes that nobody calls text need not be UTF-8. */
const isText = (leaf: ThriftStruct): boolean =>
  logicalOf(leaf) !== null || integerOf(leaf, SCHEMA_ELEMENT.convertedType) !== null;

const zones = new Map<string, boolean>();

/** Polars refuses a schema with a zone that it does not know. */
function isZone(name: string): boolean {
  if (/^(UTC|[+-]\d\d:\d\d)$/.test(name)) return true;
  const known = zones.get(name);
  if (known !== undefined) return known;
  let isKnown = /^[A-Za-z0-9_+\-/:]{1,64}$/.test(name);
  if (isKnown)
    try {
      new Intl.DateTimeFormat('en', { timeZone: name });
    } catch {
      isKnown = false;
    }
  zones.set(name, isKnown);
  return isKnown;
}
