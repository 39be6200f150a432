/**
 * Thrift's compact protocol as a generic tree of field ids.
 *
 * A struct is read as the list of its fields, each with the bytes of its value as they stand in the file; children are
 * decoded only when asked for. So what is not patched goes through byte for byte, whatever its type: nothing is lost
 * to JavaScript's numbers, and fields of later versions of the format survive.
 * Source: https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
 */

export const TYPE = {
  true: 1,
  false: 2,
  byte: 3,
  i16: 4,
  i32: 5,
  i64: 6,
  double: 7,
  binary: 8,
  list: 9,
  set: 10,
  map: 11,
  struct: 12,
  uuid: 13,
} as const;

export interface ThriftField {
  id: number;
  type: number;
  /** The encoded value, without the field's header; a view, not a copy. Empty for booleans, which live in `type`. */
  readonly raw: Uint8Array;
}
export type ThriftStruct = ThriftField[];

export interface ThriftList {
  elementType: number;
  /** The encoded elements, in order. */
  elements: Uint8Array[];
}

/** The bytes are not what the compact protocol allows. */
export class ThriftError extends Error {
  /** More bytes behind these might be what is missing. */
  readonly truncated: boolean;
  constructor(message: string, truncated = false) {
    super(message);
    this.truncated = truncated;
  }
}

/** Deeper nesting than any footer has; a bound on what hostile bytes can ask for. */
const MAX_DEPTH = 64;
/** Of 64 bits, seven a byte. */
const MAX_VARINT_BYTES = 10;

class Cursor {
  readonly bytes: Uint8Array;
  position: number;
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.position = 0;
  }

  byte(): number {
    const value = this.bytes[this.position++];
    if (value === undefined) throw new ThriftError('ends in the middle of a value', true);
    return value;
  }

  advance(count: number): void {
    if (count > this.bytes.length - this.position) throw new ThriftError('ends in the middle of a value', true);
    this.position += count;
  }

  /** An unsigned varint that must fit 32 bits: sizes and lengths. */
  size(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new ThriftError('has a length of more than 32 bits');
  }

  skipVarint(): void {
    for (let i = 0; i < MAX_VARINT_BYTES; i++) if (this.byte() < 0x80) return;
    throw new ThriftError('has a number of more than 64 bits');
  }

  fieldHeader(previousId: number): { id: number; type: number } | null {
    const header = this.byte();
    if (header === 0) return null;
    const delta = header >> 4;
    const id = delta === 0 ? zigzag(this.size()) : previousId + delta;
    return { id, type: header & 0x0f };
  }

  listHeader(): { elementType: number; size: number } {
    const header = this.byte();
    const short = header >> 4;
    const size = short === 15 ? this.size() : short;
    // Every element takes a byte at least, so a larger size is a lie; checked before anything is allocated for it.
    if (size > this.bytes.length - this.position)
      throw new ThriftError('has a list that is longer than its bytes', true);
    return { elementType: header & 0x0f, size };
  }

  skip(type: number, depth: number, inCollection: boolean): void {
    if (depth > MAX_DEPTH) throw new ThriftError(`is nested deeper than ${MAX_DEPTH} levels`);
    switch (type) {
      case TYPE.true:
      case TYPE.false:
        if (inCollection) this.advance(1);
        return;
      case TYPE.byte:
        this.advance(1);
        return;
      case TYPE.i16:
      case TYPE.i32:
      case TYPE.i64:
        this.skipVarint();
        return;
      case TYPE.double:
        this.advance(8);
        return;
      case TYPE.uuid:
        this.advance(16);
        return;
      case TYPE.binary:
        this.advance(this.size());
        return;
      case TYPE.list:
      case TYPE.set: {
        const { elementType, size } = this.listHeader();
        for (let i = 0; i < size; i++) this.skip(elementType, depth + 1, true);
        return;
      }
      case TYPE.map: {
        const size = this.size();
        if (size === 0) return;
        if (size > this.bytes.length - this.position)
          throw new ThriftError('has a map that is longer than its bytes', true);
        const types = this.byte();
        for (let i = 0; i < size; i++) {
          this.skip(types >> 4, depth + 1, true);
          this.skip(types & 0x0f, depth + 1, true);
        }
        return;
      }
      case TYPE.struct: {
        let previousId = 0;
        for (let field; (field = this.fieldHeader(previousId)) !== null;) {
          previousId = field.id;
          this.skip(field.type, depth + 1, false);
        }
        return;
      }
      default:
        throw new ThriftError(`has a value of unknown type ${type}`);
    }
  }
}

const zigzag = (value: number): number => (value % 2 === 0 ? value / 2 : -(value + 1) / 2);

/** A field as it was read: its view is made when it is asked for, since most fields of a footer never are. */
class StoredField implements ThriftField {
  readonly id: number;
  readonly type: number;
  readonly #bytes: Uint8Array;
  readonly #start: number;
  readonly #end: number;
  constructor(id: number, type: number, bytes: Uint8Array, start: number, end: number) {
    this.id = id;
    this.type = type;
    this.#bytes = bytes;
    this.#start = start;
    this.#end = end;
  }
  get raw(): Uint8Array {
    return view(this.#bytes, this.#start, this.#end);
  }
}

/** subarray() of a Buffer makes another Buffer, which takes ten times as long as a plain view. */
const view = (bytes: Uint8Array, start: number, end: number): Uint8Array =>
  new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start);

/** Reads one struct from the start of `bytes`. Throws ThriftError; never reads outside of `bytes`. */
export const readStruct = (bytes: Uint8Array): ThriftStruct => readPrefix(bytes).struct;

/** The same, with the number of bytes that the struct takes. */
export function readPrefix(bytes: Uint8Array): { struct: ThriftStruct; length: number } {
  const cursor = new Cursor(bytes);
  const struct: ThriftStruct = [];
  let previousId = 0;
  for (let header; (header = cursor.fieldHeader(previousId)) !== null;) {
    const { id, type } = header;
    // Which of two counts is other readers' matter: they do not agree on it.
    if (id <= previousId && findField(struct, id) !== undefined) throw new ThriftError(`has the field ${id} twice`);
    previousId = id;
    const start = cursor.position;
    cursor.skip(type, 1, false);
    struct.push(new StoredField(id, type, bytes, start, cursor.position));
  }
  return { struct, length: cursor.position };
}

/** Reads the value of a list field. */
export function readList(raw: Uint8Array): ThriftList {
  const cursor = new Cursor(raw);
  const { elementType, size } = cursor.listHeader();
  const elements: Uint8Array[] = [];
  for (let i = 0; i < size; i++) {
    const start = cursor.position;
    cursor.skip(elementType, 1, true);
    elements.push(view(raw, start, cursor.position));
  }
  return { elementType, elements };
}

export function readI64(raw: Uint8Array): bigint {
  // Another type than an integer, which may be of any length.
  if (raw.length === 0 || raw.length > MAX_VARINT_BYTES)
    throw new ThriftError('has something else where a number is expected');
  let value = 0n;
  for (let i = 0; i < raw.length; i++) value |= BigInt(raw[i]! & 0x7f) << BigInt(7 * i);
  return BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n));
}

/** An integer that JavaScript holds exactly: sizes, offsets, counts. */
export function readInteger(raw: Uint8Array): number {
  const value = readI64(raw);
  if (value > BigInt(Number.MAX_SAFE_INTEGER) || value < -BigInt(Number.MAX_SAFE_INTEGER))
    throw new ThriftError(`has the number ${value.toString()} where a size is expected`);
  return Number(value);
}

export function readBinary(raw: Uint8Array): Uint8Array {
  const cursor = new Cursor(raw);
  const length = cursor.size();
  return raw.subarray(cursor.position, cursor.position + length);
}

export const readText = (raw: Uint8Array): string => new TextDecoder().decode(readBinary(raw));

export const findField = (struct: ThriftStruct, id: number): ThriftField | undefined =>
  struct.find((field) => field.id === id);

/** The number of a field, or null where it is not there. */
export function integerOf(struct: ThriftStruct, id: number): number | null {
  const field = findField(struct, id);
  return field === undefined ? null : readInteger(field.raw);
}

function varint(value: bigint): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80n) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return bytes;
}

const zigzagEncode = (value: number | bigint): bigint => {
  const big = BigInt(value);
  return BigInt.asUintN(64, (big << 1n) ^ (big >> 63n));
};

export const encodeInteger = (value: number | bigint): Uint8Array => Uint8Array.from(varint(zigzagEncode(value)));

export const encodeText = (text: string): Uint8Array => encodeBinary(new TextEncoder().encode(text));

export const encodeBinary = (bytes: Uint8Array): Uint8Array =>
  Buffer.concat([Uint8Array.from(varint(BigInt(bytes.length))), bytes]);

export function encodeList({ elementType, elements }: ThriftList): Uint8Array {
  const size = elements.length;
  const header = size < 15 ? [(size << 4) | elementType] : [0xf0 | elementType, ...varint(BigInt(size))];
  return Buffer.concat([Uint8Array.from(header), ...elements]);
}

/** Fields are written in ascending order of their ids, as every writer does. */
export function encodeStruct(struct: ThriftStruct): Uint8Array {
  const pieces: Uint8Array[] = [];
  let previousId = 0;
  for (const field of struct.toSorted((a, b) => a.id - b.id)) {
    const delta = field.id - previousId;
    previousId = field.id;
    const short = delta > 0 && delta <= 15;
    pieces.push(
      Uint8Array.from(short ? [(delta << 4) | field.type] : [field.type, ...varint(zigzagEncode(field.id))]),
      field.raw,
    );
  }
  pieces.push(Uint8Array.of(0));
  return Buffer.concat(pieces);
}

/** The struct with some fields replaced or added (a field) or removed (null); all others unchanged. */
export function patchStruct(struct: ThriftStruct, patches: Map<number, ThriftField | null>): ThriftStruct {
  const kept = struct.filter((field) => !patches.has(field.id));
  for (const patch of patches.values()) if (patch !== null) kept.push(patch);
  return kept;
}

export const i64Field = (id: number, value: number | bigint): ThriftField => ({
  id,
  type: TYPE.i64,
  raw: encodeInteger(value),
});
export const i32Field = (id: number, value: number): ThriftField => ({ id, type: TYPE.i32, raw: encodeInteger(value) });
export const textField = (id: number, text: string): ThriftField => ({
  id,
  type: TYPE.binary,
  raw: encodeText(text),
});
export const listField = (id: number, list: ThriftList): ThriftField => ({
  id,
  type: TYPE.list,
  raw: encodeList(list),
});
export const structField = (id: number, struct: ThriftStruct): ThriftField => ({
  id,
  type: TYPE.struct,
  raw: encodeStruct(struct),
});
