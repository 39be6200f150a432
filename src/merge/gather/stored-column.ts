import { ENCODING, PHYSICAL, REPETITION } from '../parquet/field-ids.ts';
import type { Chunk } from '../parquet/footer.ts';
import { readPage } from '../parquet/page-header.ts';
import { codecOf } from '../parquet/physical-view.ts';
import type { Column } from '../parquet/schema.ts';
import { newCells, type Cells, type CellType } from './cells.ts';
import { readRuns } from './runs.ts';
import { unpack } from './unpack.ts';

/** A column as it is to be put in another order: its values, or each row's index in a dictionary of them. */
export interface StoredColumn {
  type: CellType;
  rows: number;
  /** 1 where the row is null; null where no row is. */
  nulls: Uint8Array | null;
  /** One a row; that of a null means nothing. */
  content: { values: Cells } | { entries: Cells; indices: Uint32Array };
}

/** Larger dictionaries save nothing: indices of 17 bits and more, and the values once more. */
const MOST_ENTRIES = 65_536;

/**
 * Decodes a column chunk by chunk, page by page. What it takes is named in can-gather.ts; all else is an Error, and so are
 * bytes that are not what the format allows. Other code than what verifies (parquet/values.ts), on purpose.
 */
export class ColumnDecoder {
  private readonly type: CellType;
  private readonly rows: number;
  private readonly optional: boolean;
  private filled = 0;
  private nulls: Uint8Array | null = null;
  /** Dictionaries of all chunks so far, each value once; in the place of `values` while all pages refer to them. */
  private entries: Cells;
  private entryIndex: Map<string, number> | null = null;
  private indices: Uint32Array | null;
  private values: Cells | null = null;

  constructor(type: CellType, column: Column, rows: number) {
    this.type = type;
    this.rows = rows;
    this.optional = column.repetition === REPETITION.optional;
    this.entries = newCells(type, 0);
    this.indices = new Uint32Array(rows);
  }

  /** The chunk's bytes, of a row group of `rows` rows. */
  addChunk(bytes: Uint8Array, chunk: Chunk, rows: number): void {
    const codec = codecOf(chunk);
    const end = this.filled + rows;
    let dictionary: Dictionary | null = null;
    for (let offset = 0; this.filled < end;) {
      const { header, stored, end: next } = readPage(bytes, offset);
      offset = next;
      if (header.kind === 'dictionary')
        dictionary = this.takeDictionary(unpack(codec, stored, header.bytes), header.values);
      else if (header.kind === 'data') {
        if (header.values > end - this.filled) throw new Error('its pages hold more values than rows');
        const page = unpack(codec, stored, header.bytes);
        let levels: Uint8Array | null = null;
        let body = page;
        if (this.optional) {
          if (header.levelEncoding !== ENCODING.rle) throw new Error('its levels are of an encoding of long ago');
          const length = readUint32(page);
          if (length > page.length - 4) throw new Error('a page ends in the middle of its levels');
          levels = page.subarray(4, 4 + length);
          body = page.subarray(4 + length);
        }
        this.addPage(header.values, header.encoding, levels, body, dictionary);
      } else if (header.kind === 'data v2') {
        if (header.values > end - this.filled) throw new Error('its pages hold more values than rows');
        const from = header.repetitionBytes;
        const to = from + header.definitionBytes;
        if (to > stored.length || to > header.bytes) throw new Error('a page ends in the middle of its levels');
        const rest = stored.subarray(to);
        // Of a page of nulls alone some writers store nothing.
        const body = header.compressed && rest.length > 0 ? unpack(codec, rest, header.bytes - to) : rest;
        const levels = this.optional ? stored.subarray(from, to) : null;
        this.addPage(header.values, header.encoding, levels, body, dictionary);
      }
    }
  }

  finish(): StoredColumn {
    const { type, rows, nulls } = this;
    // Without any value there is no dictionary either.
    if (this.entries.length === 0) this.leaveDictionary();
    const content = this.indices === null ? { values: this.values! } : { entries: this.entries, indices: this.indices };
    return { type, rows, nulls, content };
  }

  private addPage(
    count: number,
    encoding: number,
    levels: Uint8Array | null,
    body: Uint8Array,
    dictionary: Dictionary | null,
  ): void {
    const present = levels === null ? null : this.takeLevels(levels, count);
    const stored = present === null ? count : present.stored;
    const isNull = present !== null && stored < count ? present.isNull : null;
    if (encoding === ENCODING.rleDictionary || encoding === ENCODING.plainDictionary)
      this.addIndices(body, count, stored, isNull, dictionary);
    else {
      const cells = this.plainCells(body, encoding, stored);
      this.leaveDictionary();
      place(cells, this.values!, this.type.perValue, this.filled, count, isNull);
    }
    this.filled += count;
  }

  private takeLevels(bytes: Uint8Array, count: number): { isNull: Uint8Array; stored: number } {
    const isNull = new Uint8Array(count);
    readRuns(bytes, 1, isNull, 0, count);
    let stored = 0;
    for (let i = 0; i < count; i++) {
      stored += isNull[i]!;
      isNull[i]! ^= 1;
    }
    if (stored < count) {
      this.nulls ??= new Uint8Array(this.rows);
      this.nulls.set(isNull, this.filled);
    }
    return { isNull, stored };
  }

  private plainCells(body: Uint8Array, encoding: number, count: number): Cells {
    const { type } = this;
    if (type.physicalType === PHYSICAL.boolean && encoding === ENCODING.rle) {
      const cells = new Uint8Array(count);
      // The length of the runs comes first.
      if (count > 0) readRuns(body.subarray(4), 1, cells, 0, count);
      return cells;
    }
    if (encoding !== ENCODING.plain) throw new Error(`its encoding ${encoding} is not the one that its footer names`);
    return plainCells(type, body, count);
  }

  private addIndices(
    body: Uint8Array,
    count: number,
    stored: number,
    isNull: Uint8Array | null,
    dictionary: Dictionary | null,
  ): void {
    const width = stored === 0 ? 0 : (body[0] ?? 255);
    if (width > 24) throw new Error(`a page has dictionary indices of ${width} bits`);
    const own = new Uint32Array(stored);
    readRuns(body.subarray(1), width, own, 0, stored);
    const size = dictionary?.count ?? 0;
    for (let i = 0; i < stored; i++)
      if (own[i]! >= size) throw new Error('a page refers to a value outside of its dictionary');
    if (this.indices !== null) {
      const renumbered = dictionary?.renumbered ?? null;
      if (renumbered !== null) for (let i = 0; i < stored; i++) own[i] = renumbered[own[i]!]!;
      place(own, this.indices, 1, this.filled, count, isNull);
      return;
    }
    const { perValue } = this.type;
    const cells = newCells(this.type, stored);
    const entries = dictionary?.entries ?? cells;
    for (let i = 0; i < stored; i++)
      for (let cell = 0; cell < perValue; cell++) cells[i * perValue + cell] = entries[own[i]! * perValue + cell]!;
    place(cells, this.values!, perValue, this.filled, count, isNull);
  }

  private takeDictionary(body: Uint8Array, count: number): Dictionary {
    const entries = plainCells(this.type, body, count);
    if (count > MOST_ENTRIES) this.leaveDictionary();
    if (this.indices === null) return { entries, count, renumbered: null };
    const { perValue } = this.type;
    if (this.entries.length === 0) {
      this.entries = entries;
      return { entries, count, renumbered: null };
    }
    const known = (this.entryIndex ??= numberEntries(this.entries, perValue));
    const before = known.size;
    const added: number[] = [];
    const renumbered = Uint32Array.from({ length: count }, (_, i) => {
      const text = entryText(entries, perValue, i);
      let index = known.get(text);
      if (index === undefined) {
        known.set(text, (index = this.entries.length / perValue + added.length));
        added.push(i);
      }
      return index;
    });
    if (this.entries.length / perValue + added.length > MOST_ENTRIES) {
      this.leaveDictionary();
      return { entries, count, renumbered: null };
    }
    if (known.size > before) this.entries = append(this.entries, entries, perValue, added);
    return { entries, count, renumbered };
  }

  /** From here on rows have values of their own. */
  private leaveDictionary(): void {
    if (this.indices === null) return;
    const { indices, entries, type, filled } = this;
    const { perValue } = type;
    const values = newCells(type, this.rows);
    if (entries.length > 0)
      for (let row = 0; row < filled; row++)
        for (let cell = 0; cell < perValue; cell++)
          values[row * perValue + cell] = entries[indices[row]! * perValue + cell]!;
    this.values = values;
    this.indices = null;
    this.entryIndex = null;
  }
}

interface Dictionary {
  entries: Cells;
  count: number;
  /** Of each entry its number among those of all chunks; null where it is the same. */
  renumbered: Uint32Array | null;
}

function plainCells(type: CellType, body: Uint8Array, count: number): Cells {
  if (type.physicalType === PHYSICAL.boolean) {
    if (body.length * 8 < count) throw new Error('a page ends in the middle of its values');
    return Uint8Array.from({ length: count }, (_, i) => (body[i >> 3]! >> (i & 7)) & 1);
  }
  const length = count * type.bytes;
  if (length > body.length) throw new Error('a page ends in the middle of its values');
  if (!type.words) return body.subarray(0, length);
  // A view where alignment allows it; slice() of a Buffer would be another view.
  const aligned = body.byteOffset % 4 === 0 ? body : Uint8Array.from(body.subarray(0, length));
  return new Int32Array(aligned.buffer, aligned.byteOffset, length / 4);
}

/** Puts the values of a page at its rows; where rows are null the values are fewer. */
function place<T extends Cells | Uint32Array>(
  from: T,
  to: T,
  perValue: number,
  at: number,
  count: number,
  isNull: Uint8Array | null,
): void {
  if (isNull === null) {
    to.set(from.subarray(0, count * perValue), at * perValue);
    return;
  }
  let next = 0;
  for (let i = 0; i < count; i++) {
    if (isNull[i] === 1) continue;
    for (let cell = 0; cell < perValue; cell++) to[(at + i) * perValue + cell] = from[next++]!;
  }
}

function numberEntries(entries: Cells, perValue: number): Map<string, number> {
  const known = new Map<string, number>();
  for (let i = 0; i < entries.length / perValue; i++) known.set(entryText(entries, perValue, i), i);
  return known;
}

function entryText(entries: Cells, perValue: number, index: number): string {
  let text = '';
  for (let cell = 0; cell < perValue; cell++) text += `${entries[index * perValue + cell]!},`;
  return text;
}

function append(entries: Cells, more: Cells, perValue: number, added: number[]): Cells {
  const all =
    entries instanceof Int32Array
      ? new Int32Array(entries.length + added.length * perValue)
      : new Uint8Array(entries.length + added.length * perValue);
  all.set(entries);
  let at = entries.length;
  for (const i of added) for (let cell = 0; cell < perValue; cell++) all[at++] = more[i * perValue + cell]!;
  return all;
}

function readUint32(bytes: Uint8Array): number {
  if (bytes.length < 4) throw new Error('a page ends in the middle of its levels');
  return bytes[0]! + bytes[1]! * 2 ** 8 + bytes[2]! * 2 ** 16 + bytes[3]! * 2 ** 24;
}
