/**
 * A walk over bytes of Thrift's compact protocol: where a value ends, and nothing of what it means. Never reads outside of the bytes.
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
export const MAX_VARINT_BYTES = 10;

export class Cursor {
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

  /** The id of the field whose header begins with the byte `header`; its type is the lower half of that. */
  fieldId(header: number, previousId: number): number {
    const delta = header >> 4;
    return delta === 0 ? zigzag(this.size()) : previousId + delta;
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
      case TYPE.struct:
        this.skipFields(depth);
        return;
      default:
        throw new ThriftError(`has a value of unknown type ${type}`);
    }
  }

  /** Most of a footer goes by here: numbers and strings without a call for each of their bytes. */
  private skipFields(depth: number): void {
    const { bytes } = this;
    for (let header; (header = this.byte()) !== 0;) {
      if (header < 16) this.fieldId(header, 0);
      const type = header & 0x0f;
      // Numbers and short strings of whole bytes, which nearly all are; what is left is the rule's.
      if (type === TYPE.i64 || type === TYPE.i32) {
        let end = this.position;
        while (bytes[end]! >= 0x80) end++;
        if (end - this.position >= MAX_VARINT_BYTES || end >= bytes.length) this.skipVarint();
        else this.position = end + 1;
      } else if (type === TYPE.binary && bytes[this.position]! < 0x80) {
        const end = this.position + 1 + bytes[this.position]!;
        if (end > bytes.length) throw new ThriftError('ends in the middle of a value', true);
        this.position = end;
      } else this.skip(type, depth + 1, false);
    }
  }
}

export const zigzag = (value: number): number => (value % 2 === 0 ? value / 2 : -(value + 1) / 2);
