import { ENCODING, PHYSICAL, REPETITION } from '../parquet/field-ids.ts';
import type { Chunk } from '../parquet/footer.ts';
import { readPage } from '../parquet/page-header.ts';
import { codecOf } from '../parquet/physical-view.ts';
import type { Column } from '../parquet/schema.ts';
import { newCells, placeCells, plainCells, type Cells, type CellType } from './cells.ts';
import { MergedDictionary, type Dictionary } from './merged-dictionary.ts';
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
  private dictionary: MergedDictionary;
  /** Into the dictionary, while all pages refer to one and it is small enough; then there are values instead. */
  private indices: Uint32Array | null;
  private values: Cells | null = null;

  constructor(type: CellType, column: Column, rows: number) {
    this.type = type;
    this.rows = rows;
    this.optional = column.repetition === REPETITION.optional;
    this.dictionary = new MergedDictionary(type);
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
    if (this.dictionary.entries.length === 0) this.leaveDictionary();
    const content =
      this.indices === null ? { values: this.values! } : { entries: this.dictionary.entries, indices: this.indices };
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
      placeCells(cells, this.values!, this.type.perValue, this.filled, count, isNull);
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
      placeCells(own, this.indices, 1, this.filled, count, isNull);
      return;
    }
    const { perValue } = this.type;
    const cells = newCells(this.type, stored);
    const entries = dictionary?.entries ?? cells;
    for (let i = 0; i < stored; i++)
      for (let cell = 0; cell < perValue; cell++) cells[i * perValue + cell] = entries[own[i]! * perValue + cell]!;
    placeCells(cells, this.values!, perValue, this.filled, count, isNull);
  }

  private takeDictionary(body: Uint8Array, count: number): Dictionary {
    const entries = plainCells(this.type, body, count);
    const merged = this.indices === null ? null : this.dictionary.add(entries, count);
    if (merged !== null) return merged;
    this.leaveDictionary();
    return { entries, count, renumbered: null };
  }

  /** From here on rows have values of their own. */
  private leaveDictionary(): void {
    if (this.indices === null) return;
    const { indices, type, filled } = this;
    const { entries } = this.dictionary;
    const { perValue } = type;
    const values = newCells(type, this.rows);
    if (entries.length > 0)
      for (let row = 0; row < filled; row++)
        for (let cell = 0; cell < perValue; cell++)
          values[row * perValue + cell] = entries[indices[row]! * perValue + cell]!;
    this.values = values;
    this.indices = null;
    this.dictionary = new MergedDictionary(type);
  }
}

function readUint32(bytes: Uint8Array): number {
  if (bytes.length < 4) throw new Error('a page ends in the middle of its levels');
  return bytes[0]! + bytes[1]! * 2 ** 8 + bytes[2]! * 2 ** 16 + bytes[3]! * 2 ** 24;
}
