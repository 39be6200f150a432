/** The headers of pages: what a decoder needs of them, and a walk from one to the next that decodes nothing. */
import { LAST_ENCODING, PAGE, PAGE_HEADER } from './field-ids.ts';
import { PagesSum } from './page-index.ts';
import { findField, readPrefix, readStruct, type ThriftStruct } from './thrift.ts';
import { ThriftError, TYPE } from './thrift-cursor.ts';

export type PageHeader = {
  /** Bytes of the header itself. */
  length: number;
  /** Bytes of the page behind it, as stored and as they were; >= 0. */
  storedBytes: number;
  bytes: number;
} & (
  | { kind: 'dictionary'; values: number; encoding: number }
  | { kind: 'data'; values: number; encoding: number; levelEncoding: number }
  | {
      kind: 'data v2';
      values: number;
      encoding: number;
      definitionBytes: number;
      repetitionBytes: number;
      compressed: boolean;
    }
  | { kind: 'other' }
);

/** A page of a chunk, as it is stored. */
export interface StoredPage {
  header: PageHeader;
  stored: Uint8Array;
  /** Offset behind it. */
  end: number;
}

/** Reads the page at `offset` of a chunk's bytes. Throws ThriftError, and an Error where the chunk ends before it. */
export function readPage(bytes: Uint8Array, offset: number): StoredPage {
  const header = readPageHeader(bytes.subarray(offset));
  const start = offset + header.length;
  if (header.storedBytes > bytes.length - start) throw new Error('a page is longer than its column chunk');
  const end = start + header.storedBytes;
  return { header, stored: bytes.subarray(start, end), end };
}

/** Reads a page header at the start of `bytes`. Throws ThriftError. */
export function readPageHeader(bytes: Uint8Array): PageHeader {
  const { struct, length } = readPrefix(bytes);
  const size = { length, storedBytes: count(struct, PAGE_HEADER.storedBytes), bytes: count(struct, PAGE_HEADER.bytes) };
  const inner = (id: number): ThriftStruct => {
    const field = findField(struct, id);
    if (field?.type !== TYPE.struct) throw new ThriftError('has a page without its own header');
    return readStruct(field.raw);
  };
  switch (count(struct, PAGE_HEADER.type)) {
    case PAGE.dictionary:
      return { ...size, kind: 'dictionary', ...encoded(inner(PAGE_HEADER.dictionary), 2) };
    case PAGE.data: {
      const own = inner(PAGE_HEADER.data);
      encodingIn(own, 4);
      return { ...size, kind: 'data', ...encoded(own, 2), levelEncoding: encodingIn(own, 3) };
    }
    case PAGE.dataV2: {
      const own = inner(PAGE_HEADER.dataV2);
      return {
        ...size,
        kind: 'data v2',
        ...encoded(own, 4),
        definitionBytes: count(own, 5),
        repetitionBytes: count(own, 6),
        compressed: findField(own, 7)?.type !== TYPE.false,
      };
    }
    case PAGE.index:
      return { ...size, kind: 'other' };
    default:
      throw new ThriftError('has a page of an unknown type');
  }
}

const encoded = (struct: ThriftStruct, id: number): { values: number; encoding: number } => ({
  values: count(struct, 1),
  encoding: encodingIn(struct, id),
});

function encodingIn(struct: ThriftStruct, id: number): number {
  const encoding = count(struct, id);
  // 1 was never given to any.
  if (encoding > LAST_ENCODING || encoding === 1)
    throw new ThriftError(`has a page of the unknown encoding ${encoding}`);
  return encoding;
}

function count(struct: ThriftStruct, id: number): number {
  const field = findField(struct, id);
  if (field?.type !== TYPE.i32) throw new ThriftError(`lacks the field ${id} in the header of a page`);
  const value = field.integer;
  if (value < 0 || value > MOST) throw new ThriftError(`has the number ${value} in the header of a page`);
  return value;
}

/** Numbers of page headers have 32 bits. */
const MOST = 2 ** 31 - 1;

/** Statistics of long texts make headers long; none is near this. */
const MAX_HEADER_BYTES = 1024 ** 2;

/** What is known of the pages of a chunk before they are read. */
export interface ExpectedPages {
  /** Of all of them, headers included. */
  bytes: number;
  /** Nulls included. */
  values: number;
  /** What its offset index says of them; null where it has none. */
  index: { crc: number; flat: boolean } | null;
}

/**
 * Follows the pages of one chunk while its bytes go by, in pieces as they come: whether they are as many, and as long, as
 * the footer says. What is stored in them is not looked at.
 */
export class PageWalk {
  private left: number;
  private readonly values: number;
  private found = 0;
  /** Bytes to go to the next header. */
  private gap = 0;
  private begun: Uint8Array = new Uint8Array(0);
  private readonly index: ExpectedPages['index'];
  private readonly pages = new PagesSum();
  /** Of the next page, in the chunk. */
  private offset = 0;

  constructor({ bytes, values, index }: ExpectedPages) {
    this.left = bytes;
    this.values = values;
    this.index = index;
  }

  /** Throws ThriftError, at the last piece also where something is missing. */
  add(piece: Uint8Array): void {
    this.follow(piece);
    this.left -= piece.length;
    if (this.left === 0) this.finish();
  }

  private follow(piece: Uint8Array): void {
    let rest = piece;
    while (this.found < this.values) {
      const skipped = Math.min(this.gap, rest.length);
      this.gap -= skipped;
      rest = rest.subarray(skipped);
      if (rest.length === 0) return;
      const bytes = this.begun.length === 0 ? rest : Buffer.concat([this.begun, rest]);
      let header: PageHeader;
      try {
        header = readPageHeader(bytes);
      } catch (error) {
        if (!(error instanceof ThriftError) || !error.truncated || bytes.length > MAX_HEADER_BYTES) throw error;
        this.begun = Uint8Array.from(bytes);
        return;
      }
      rest = bytes.subarray(header.length);
      this.begun = new Uint8Array(0);
      this.gap = header.storedBytes;
      const stored = header.length + header.storedBytes;
      if (header.kind === 'data' || header.kind === 'data v2') {
        if (this.index !== null) this.pages.add(this.offset, stored, this.index.flat ? this.found : null);
        this.found += header.values;
      }
      this.offset += stored;
    }
    this.gap -= Math.min(this.gap, rest.length);
  }

  private finish(): void {
    if (this.gap > 0 || this.begun.length > 0) throw new ThriftError('has a page that is longer than its column chunk');
    if (this.found !== this.values)
      throw new ThriftError(`has ${this.found} values in the pages of a column chunk of ${this.values}`);
    if (this.index !== null && this.pages.crc !== this.index.crc)
      throw new ThriftError('has an offset index of other pages than it has; write the file again');
  }
}
