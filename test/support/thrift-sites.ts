/** Finds the places of a footer where something can be told that is not so, and tells it. */
import { FILE_META } from '../../src/merge/parquet/field-ids.ts';
import { readI64, readList, readStruct, ThriftField } from '../../src/merge/parquet/thrift.ts';
import { TYPE } from '../../src/merge/parquet/thrift-cursor.ts';
import { encodeStruct, encodeList } from '../../src/merge/parquet/write-thrift.ts';

/** Field ids and, in lists, indexes, from the outermost struct on. */
type Path = number[];

export interface Site {
  path: Path;
  type: number;
  /** The encoded value. */
  raw: Uint8Array;
}

const INTEGERS: ReadonlySet<number> = new Set([TYPE.byte, TYPE.i16, TYPE.i32, TYPE.i64]);
export const isInteger = ({ type }: Site): boolean => INTEGERS.has(type);
export const integerAt = ({ raw }: Site): bigint => readI64(raw);

/** Every value of a struct, at whatever depth, itself last. */
export function sitesOf(raw: Uint8Array, type: number = TYPE.struct, path: Path = []): Site[] {
  const inner =
    type === TYPE.struct
      ? readStruct(raw).flatMap((field) => sitesOf(field.raw, field.type, [...path, field.id]))
      : type === TYPE.list
        ? readListSites(raw, path)
        : [];
  return [...inner, { path, type, raw }];
}

function readListSites(raw: Uint8Array, path: Path): Site[] {
  const { elementType, elements } = readList(raw);
  return elements.flatMap((element, i) => sitesOf(element, elementType, [...path, i]));
}

/** The struct with `value` in place of what is at `path`, which exists; lists and structs around it are encoded anew. */
export function replaceAt(raw: Uint8Array, path: Path, value: Uint8Array, type: number = TYPE.struct): Uint8Array {
  const [step, ...rest] = path;
  if (step === undefined) return value;
  if (type === TYPE.list) {
    const list = readList(raw);
    const elements = list.elements.with(step, replaceAt(list.elements[step]!, rest, value, list.elementType));
    return encodeList({ ...list, elements });
  }
  return encodeStruct(
    readStruct(raw).map((field) =>
      field.id === step ? new ThriftField(field.id, field.type, replaceAt(field.raw, rest, value, field.type)) : field,
    ),
  );
}

/** Where the site is in the format, whichever row group, chunk or column it belongs to: so that lies are spread over the kinds of fields. */
export const placeOf = ({ path, type }: Site): string =>
  [...path.filter((_, i) => i !== 1 && (i !== 3 || path[0] !== FILE_META.rowGroups)), `type ${type}`].join('.');
