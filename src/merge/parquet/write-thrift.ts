/** Encodes Thrift's compact protocol, from structs as thrift.ts reads them, patched or new. */
import { ThriftField, type ThriftList, type ThriftStruct } from './thrift.ts';
import { TYPE } from './thrift-cursor.ts';

/** Numbers up to here stay exact when they are doubled. */
const MOST_DOUBLED = 2 ** 51;

export function encodeInteger(value: number | bigint): Uint8Array {
  if (Number.isInteger(value) && Math.abs(value as number) < MOST_DOUBLED) return encodeVarint(zigzag(value as number));
  const big = BigInt(value);
  let rest = BigInt.asUintN(64, (big << 1n) ^ (big >> 63n));
  const bytes: number[] = [];
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return Uint8Array.of(...bytes, Number(rest));
}

/** Of a whole number of at most 52 bits. */
function encodeVarint(value: number): Uint8Array {
  const bytes = new Uint8Array(varintBytes(value));
  writeVarint(bytes, 0, value);
  return bytes;
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) bytes++;
  return bytes;
}

/** Returns the position behind it. */
function writeVarint(target: Uint8Array, at: number, value: number): number {
  let [position, rest] = [at, value];
  for (; rest >= 128; rest = Math.floor(rest / 128)) target[position++] = (rest % 128) | 0x80;
  target[position++] = rest;
  return position;
}

export const encodeText = (text: string): Uint8Array => encodeBinary(new TextEncoder().encode(text));

export function encodeBinary(bytes: Uint8Array): Uint8Array {
  const encoded = new Uint8Array(varintBytes(bytes.length) + bytes.length);
  encoded.set(bytes, writeVarint(encoded, 0, bytes.length));
  return encoded;
}

export function encodeList({ elementType, elements }: ThriftList): Uint8Array {
  const { length: size } = elements;
  const header = size < 15 ? 1 : 1 + varintBytes(size);
  const encoded = new Uint8Array(elements.reduce((sum, { length }) => sum + length, header));
  encoded[0] = (Math.min(size, 15) << 4) | elementType;
  let at = size < 15 ? 1 : writeVarint(encoded, 1, size);
  for (const element of elements) {
    encoded.set(element, at);
    at += element.length;
  }
  return encoded;
}

/** Fields are written in ascending order of their ids, as every writer does. */
export function encodeStruct(struct: ThriftStruct): Uint8Array {
  const fields = struct.every(({ id }, i) => i === 0 || struct[i - 1]!.id < id)
    ? struct
    : struct.toSorted((a, b) => a.id - b.id);
  let bytes = 1;
  for (let i = 0, previousId = 0; i < fields.length; previousId = fields[i++]!.id)
    bytes += headerBytes(fields[i]!.id, previousId) + fields[i]!.length;
  const encoded = new Uint8Array(bytes);
  let at = 0;
  let previousId = 0;
  for (const field of fields) {
    const { id, type } = field;
    if (isShort(id, previousId)) encoded[at++] = ((id - previousId) << 4) | type;
    else {
      encoded[at++] = type;
      at = writeVarint(encoded, at, zigzag(id));
    }
    field.copyTo(encoded, at);
    at += field.length;
    previousId = id;
  }
  return encoded;
}

const headerBytes = (id: number, previousId: number): number =>
  isShort(id, previousId) ? 1 : 1 + varintBytes(zigzag(id));

const isShort = (id: number, previousId: number): boolean => id > previousId && id - previousId <= 15;

const zigzag = (value: number): number => (value >= 0 ? 2 * value : -2 * value - 1);

/** The struct with some fields replaced or added (a field) or removed (null); all others unchanged. */
export function patchStruct(struct: ThriftStruct, patches: Map<number, ThriftField | null>): ThriftStruct {
  const kept = struct.filter((field) => !patches.has(field.id));
  for (const patch of patches.values()) if (patch !== null) kept.push(patch);
  return kept;
}

export const i64Field = (id: number, value: number | bigint): ThriftField =>
  new ThriftField(id, TYPE.i64, encodeInteger(value));
export const i32Field = (id: number, value: number): ThriftField => new ThriftField(id, TYPE.i32, encodeInteger(value));
export const textField = (id: number, text: string): ThriftField => new ThriftField(id, TYPE.binary, encodeText(text));
export const listField = (id: number, list: ThriftList): ThriftField =>
  new ThriftField(id, TYPE.list, encodeList(list));
export const structField = (id: number, struct: ThriftStruct): ThriftField =>
  new ThriftField(id, TYPE.struct, encodeStruct(struct));
