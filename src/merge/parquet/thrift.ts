/**
 * Thrift's compact protocol as a generic tree of field ids.
 *
 * A struct is read as the list of its fields, each with the bytes of its value as they stand in the file; children are
 * decoded only when asked for. So what is not patched goes through byte for byte, whatever its type: nothing is lost
 * to JavaScript's numbers, and fields of later versions of the format survive.
 * Source: https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
 */
import { Cursor, MAX_VARINT_BYTES, ThriftError, zigzag } from './thrift-cursor.ts';

/**
 * A field of a struct. Views of its bytes, and numbers, are made when they are asked for: most fields of a footer never are.
 */
export class ThriftField {
  readonly id: number;
  readonly type: number;
  private readonly bytes: Uint8Array;
  private readonly start: number;
  private readonly end: number;

  /** Its encoded value, without the field's header, is `bytes` from `start` to `end`: none for booleans, which live in `type`. */
  constructor(id: number, type: number, bytes: Uint8Array, start = 0, end = bytes.length) {
    this.id = id;
    this.type = type;
    this.bytes = bytes;
    this.start = start;
    this.end = end;
  }

  /** The encoded value; a view, not a copy. */
  get raw(): Uint8Array {
    return view(this.bytes, this.start, this.end);
  }

  /** Bytes of the encoded value. */
  get length(): number {
    return this.end - this.start;
  }

  /** The value of an integer that JavaScript holds exactly: sizes, offsets, counts. Throws ThriftError. */
  get integer(): number {
    return decodeInteger(this.bytes, this.start, this.end);
  }

  /** Of the same type, and encoded alike; ids do not count. */
  equals(other: ThriftField): boolean {
    if (this.type !== other.type || this.length !== other.length) return false;
    if (this.length > LONG_BYTES) return Buffer.compare(this.raw, other.raw) === 0;
    for (let i = 0; i < this.length; i++) if (this.bytes[this.start + i] !== other.bytes[other.start + i]) return false;
    return true;
  }

  /** Copies the encoded value. */
  copyTo(target: Uint8Array, at: number): void {
    // Most are a few bytes long, for which a view costs more than they do.
    if (this.length > LONG_BYTES) target.set(this.raw, at);
    else for (let from = this.start, to = at; from < this.end;) target[to++] = this.bytes[from++]!;
  }
}
export type ThriftStruct = ThriftField[];

export interface ThriftList {
  elementType: number;
  /** The encoded elements, in order. */
  elements: Uint8Array[];
}

/** As many bytes of a varint have 49 bits, which a double holds exactly. */
const DOUBLE_VARINT_BYTES = 7;
/** From here on copying through a view is the faster way. */
const LONG_BYTES = 24;

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
  for (let header; (header = cursor.byte()) !== 0;) {
    const id = cursor.fieldId(header, previousId);
    const type = header & 0x0f;
    // Which of two counts is other readers' matter: they do not agree on it.
    if (id <= previousId && findField(struct, id) !== undefined) throw new ThriftError(`has the field ${id} twice`);
    previousId = id;
    const start = cursor.position;
    cursor.skip(type, 1, false);
    struct.push(new ThriftField(id, type, bytes, start, cursor.position));
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

/** An integer that JavaScript holds exactly: sizes, offsets, counts. Throws ThriftError. */
export const readInteger = (raw: Uint8Array): number => decodeInteger(raw, 0, raw.length);

function decodeInteger(bytes: Uint8Array, start: number, end: number): number {
  if (end > start && end - start <= DOUBLE_VARINT_BYTES) {
    let value = 0;
    for (let at = start, scale = 1; at < end; at++, scale *= 128) value += (bytes[at]! & 0x7f) * scale;
    return zigzag(value);
  }
  const value = readI64(view(bytes, start, end));
  if (value > BigInt(Number.MAX_SAFE_INTEGER) || value < -BigInt(Number.MAX_SAFE_INTEGER))
    throw new ThriftError(`has the number ${value.toString()} where a size is expected`);
  return Number(value);
}

export function readBinary(raw: Uint8Array): Uint8Array {
  const cursor = new Cursor(raw);
  const length = cursor.size();
  return raw.subarray(cursor.position, cursor.position + length);
}

const decoder = new TextDecoder();

export const readText = (raw: Uint8Array): string => decoder.decode(readBinary(raw));

export function findField(struct: ThriftStruct, id: number): ThriftField | undefined {
  for (const field of struct) if (field.id === id) return field;
  return undefined;
}

/** The number of a field, or null where it is not there. */
export function integerOf(struct: ThriftStruct, id: number): number | null {
  return findField(struct, id)?.integer ?? null;
}
