/**
 * FlatBuffers as far as Arrow's schemas need them: tables are read as rows of slots by a shape, so that nothing of them is lost that
 * the shape names, and written again from such rows. Reading is bounded: offsets are checked, and all that is read is counted, since a
 * few bytes can refer to each other so often that they unfold to gigabytes.
 * Source: https://flatbuffers.dev/internals/
 */

/** Of a slot: a scalar by its width, bytes (also text), or tables of a shape. A union is two slots: its tag, then its table. */
export type Slot =
  | 'bool'
  | 'u8'
  | 'i16'
  | 'i32'
  | 'i64'
  | 'bytes'
  | { table: Shape }
  | { tables: Shape }
  | { union: readonly (Shape | null)[] };
/** At most 31 slots. */
export type Shape = readonly Slot[];

/** By slot; what is missing has its default. */
export type Row = (Value | undefined)[];
export type Value = number | bigint | Uint8Array | Row | Rows;
export type Rows = Iterable<Row> & { length: number };

/** The bytes are not what the format allows, are of a kind that is not known here, or unfold to too much. */
export class FlatbufferError extends Error {}

const MAX_DEPTH = 32;
/** What a table counts for, bytes: about what it takes when it is written again. */
const TABLE_BYTES = 16;

export class Reader {
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  #budget: number;

  /** `budget`: bytes that may be read in all, however often each. */
  constructor(bytes: Uint8Array, budget: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#budget = budget;
  }

  rootPosition(): number {
    return this.follow(0);
  }

  /** The table at `position`. */
  table(position: number, shape: Shape, depth = 0): Row {
    if (depth > MAX_DEPTH) throw new FlatbufferError(`is nested deeper than ${MAX_DEPTH} levels`);
    this.#spend(TABLE_BYTES);
    const row: Row = [];
    for (const [slot, kind] of shape.entries()) {
      const at = this.slotAt(position, slot, widthOf(kind));
      row.push(at === null ? undefined : this.#value(at, kind, depth, row[slot - 1]));
    }
    return row;
  }

  /** Where the value of a slot of the table at `position` stands; null where it has its default. */
  slotAt(position: number, slot: number, width: number): number | null {
    const vtable = position - this.#view.getInt32(this.#inside(position, 4), true);
    const [vtableBytes, tableBytes] = [this.#u16(vtable), this.#u16(vtable + 2)];
    this.#inside(position, tableBytes);
    if (4 + 2 * slot + 2 > vtableBytes) return null;
    const offset = this.#u16(vtable + 4 + 2 * slot);
    if (offset === 0) return null;
    if (offset < 4 || offset + width > tableBytes) throw new FlatbufferError('has a field outside of its table');
    return position + offset;
  }

  /** Positions of the tables of the vector that the slot at `at` refers to. */
  tablePositions(at: number): { length: number; at: (index: number) => number } {
    const start = this.follow(at);
    const length = this.#view.getUint32(this.#inside(start, 4), true);
    this.#inside(start + 4, 4 * length);
    return { length, at: (index) => this.follow(start + 4 + 4 * index) };
  }

  #value(at: number, kind: Slot, depth: number, tag: Row[number]): Value {
    switch (kind) {
      case 'bool':
      case 'u8':
        return this.#view.getUint8(at);
      case 'i16':
        return this.#view.getInt16(at, true);
      case 'i32':
        return this.#view.getInt32(at, true);
      case 'i64':
        return this.#view.getBigInt64(at, true);
      case 'bytes': {
        const start = this.follow(at);
        const length = this.#view.getUint32(this.#inside(start, 4), true);
        this.#inside(start + 4, length);
        this.#spend(length);
        return this.#bytes.subarray(start + 4, start + 4 + length);
      }
      default:
    }
    if ('table' in kind) return this.table(this.follow(at), kind.table, depth + 1);
    if ('union' in kind) {
      const shape = typeof tag === 'number' ? kind.union[tag] : null;
      if (shape == null)
        throw new FlatbufferError(`has something of the unknown kind ${typeof tag === 'number' ? tag : 'none'}`);
      return this.table(this.follow(at), shape, depth + 1);
    }
    const positions = this.tablePositions(at);
    const rows: Row[] = [];
    for (let i = 0; i < positions.length; i++) rows.push(this.table(positions.at(i), kind.tables, depth + 1));
    return rows;
  }

  /** Where the offset at `at` leads. */
  follow(at: number): number {
    return at + this.#view.getUint32(this.#inside(at, 4), true);
  }

  #u16 = (at: number): number => this.#view.getUint16(this.#inside(at, 2), true);

  #inside(at: number, length: number): number {
    if (at < 0 || at + length > this.#bytes.length) throw new FlatbufferError('refers to bytes outside of it');
    return at;
  }

  #spend(bytes: number): void {
    this.#budget -= bytes;
    if (this.#budget < 0) throw new FlatbufferError('unfolds to more than a schema of its columns can need');
  }
}

const WIDTHS = { bool: 1, u8: 1, i16: 2, i32: 4, i64: 8, bytes: 4 } as const;
const widthOf = (kind: Slot): number => (typeof kind === 'string' ? WIDTHS[kind] : 4);

/** Writes a table and all below it, front to back, so that rows may be made while they are written. */
export function encodeFlatbuffer(shape: Shape, row: Row): Buffer {
  const writer = new Writer();
  const root = writer.reserve(4, 4);
  writer.point(root, writer.table(shape, row));
  return writer.bytes();
}

/** How a table with values in some slots of its shape is written. */
interface Layout {
  /** In the order in which they stand in the table; wide ones first. */
  slots: { kind: Slot; slot: number; offset: number }[];
  tableBytes: number;
  isWide: boolean;
  vtable: number[];
  key: string;
}

function layOut(shape: Shape, row: Row): Layout {
  const slots = shape
    .map((kind, slot) => ({ kind, slot, width: widthOf(kind), offset: 0 }))
    .filter(({ slot }) => row[slot] !== undefined)
    .sort((a, b) => b.width - a.width || a.slot - b.slot);
  const offsets = shape.map(() => 0);
  let end = 4;
  for (const own of slots) {
    offsets[own.slot] = own.offset = end;
    end += own.width;
  }
  const used = offsets.findLastIndex((offset) => offset !== 0) + 1;
  const vtable = [4 + 2 * used, end, ...offsets.slice(0, used)];
  return { slots, tableBytes: end, isWide: slots[0]?.width === 8, vtable, key: vtable.join() };
}

class Writer {
  #buffer = Buffer.alloc(64 * 1024);
  #length = 0;
  /** Equal vtables are written once, but for readers that look for them behind the start of what refers to their table only (planus). */
  readonly #vtables = new Map<string, number>();
  /** By shape, then by the slots that have a value, one bit each. */
  readonly #layouts = new Map<Shape, Map<number, Layout>>();

  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  /** Place for `length` bytes, zeros, at a position that is `offset` modulo `alignment`. */
  reserve(length: number, alignment: number, offset = 0): number {
    const position = this.#length + ((alignment + offset - (this.#length % alignment)) % alignment);
    this.#length = position + length;
    if (this.#length > this.#buffer.length)
      this.#buffer = Buffer.concat([this.#buffer], Math.max(this.#length, 2 * this.#buffer.length));
    return position;
  }

  point(slot: number, target: number): void {
    this.#buffer.writeUInt32LE(target - slot, slot);
  }

  /** `parent`: where the table or vector begins that refers to it. */
  table(shape: Shape, row: Row, parent = 0): number {
    const layout = this.#layoutOf(shape, row);
    const { slots, tableBytes, isWide } = layout;
    const vtable = this.#vtable(layout, parent);
    const position = this.reserve(tableBytes, isWide ? 8 : 4, isWide ? 4 : 0);
    this.#buffer.writeInt32LE(position - vtable, position);
    for (const { kind, slot, offset } of slots) this.#value(position, offset, kind, row[slot]!, row[slot - 1]);
    return position;
  }

  /** Thousands of rows have values in the same slots. */
  #layoutOf(shape: Shape, row: Row): Layout {
    let filled = 0;
    for (let slot = 0; slot < shape.length; slot++) if (row[slot] !== undefined) filled |= 1 << slot;
    let layouts = this.#layouts.get(shape);
    if (layouts === undefined) this.#layouts.set(shape, (layouts = new Map<number, Layout>()));
    let layout = layouts.get(filled);
    if (layout === undefined) layouts.set(filled, (layout = layOut(shape, row)));
    return layout;
  }

  #vtable({ vtable, key }: Layout, parent: number): number {
    const known = this.#vtables.get(key);
    if (known !== undefined && known >= parent) return known;
    const position = this.reserve(2 * vtable.length, 2);
    for (const [i, word] of vtable.entries()) this.#buffer.writeUInt16LE(word, position + 2 * i);
    this.#vtables.set(key, position);
    return position;
  }

  #value(table: number, offset: number, kind: Slot, value: Value, tag: Row[number]): void {
    const at = table + offset;
    if (kind === 'bool' || kind === 'u8') this.#buffer.writeUInt8(value as number, at);
    else if (kind === 'i16') this.#buffer.writeInt16LE(value as number, at);
    else if (kind === 'i32') this.#buffer.writeInt32LE(value as number, at);
    else if (kind === 'i64') this.#buffer.writeBigInt64LE(value as bigint, at);
    else if (kind === 'bytes') this.point(at, this.#bytesOf(value as Uint8Array));
    else if ('table' in kind) this.point(at, this.table(kind.table, value as Row, table));
    else if ('union' in kind) this.point(at, this.table(kind.union[tag as number]!, value as Row, table));
    else this.point(at, this.#tables(kind.tables, value as Rows));
  }

  #bytesOf(bytes: Uint8Array): number {
    // Readers want a zero behind a text.
    const position = this.reserve(4 + bytes.length + 1, 4);
    this.#buffer.writeUInt32LE(bytes.length, position);
    this.#buffer.set(bytes, position + 4);
    return position;
  }

  #tables(shape: Shape, rows: Rows): number {
    const position = this.reserve(4 + 4 * rows.length, 4);
    this.#buffer.writeUInt32LE(rows.length, position);
    let slot = position + 4;
    for (const row of rows) {
      this.point(slot, this.table(shape, row, position));
      slot += 4;
    }
    return position;
  }
}
