import { decompress } from './decompress.ts';
import { ENCODING, PHYSICAL } from './field-ids.ts';
import { decodeHybrid } from './hybrid.ts';
import { readPage } from './page-header.ts';
import { decodePlain, decodeValues, type PageValues } from './page-values.ts';
import type { Leaf } from './schema.ts';

/** A leaf's chunk: its codec, and what its footer claims. */
export interface NestedChunk {
  leaf: Leaf;
  codec: number;
  /** Entries of its pages: values, nulls and empty lists. */
  values: number;
  /** Of its row group. */
  rows: number;
}

/**
 * Decodes the pages of a leaf of a nested column one after the other and keeps none: levels that the schema allows, as
 * many rows as there are, as many values as the levels say. What the values are together is not put together.
 * Throws an Error where they are not what the format allows.
 */
export function checkNestedPages(bytes: Uint8Array, { leaf, codec, values, rows }: NestedChunk): void {
  const type = { type: leaf.physicalType, length: leaf.physicalType === PHYSICAL.int96 ? 12 : leaf.length };
  let dictionary: PageValues | null = null;
  let foundRows = 0;
  for (let offset = 0, found = 0; found < values;) {
    const { header, stored: page, end: next } = readPage(bytes, offset);
    offset = next;
    if (header.kind === 'dictionary') {
      dictionary = decodePlain(decompress(codec, page, header.bytes), type, header.values);
      continue;
    }
    if (header.kind === 'other') continue;
    const { values: count, encoding } = header;
    if (count > values - found) throw new Error('its pages hold more values than its column chunk');
    let levels: { repetition: Uint8Array; definition: Uint8Array };
    let body: Uint8Array;
    if (header.kind === 'data') {
      if (header.levelEncoding !== ENCODING.rle)
        throw new Error(`its level encoding ${header.levelEncoding} is not supported`);
      const whole = decompress(codec, page, header.bytes);
      const repetition = prefixed(whole, leaf.maxRepetition);
      const definition = prefixed(whole.subarray(repetition.end), leaf.maxDefinition);
      levels = { repetition: repetition.bytes, definition: definition.bytes };
      body = whole.subarray(repetition.end + definition.end);
    } else {
      const end = header.repetitionBytes + header.definitionBytes;
      if (end > page.length || end > header.bytes) throw new Error('a page ends in the middle of its levels');
      levels = {
        repetition: page.subarray(0, header.repetitionBytes),
        definition: page.subarray(header.repetitionBytes, end),
      };
      body = page.subarray(end);
      // Some writers write no bytes where no value is.
      if (header.compressed && body.length > 0) body = decompress(codec, body, header.bytes - end);
    }
    const repetition = decodeLevels(levels.repetition, leaf.maxRepetition, count);
    if (found === 0 && count > 0 && repetition[0] !== 0) throw new Error('its first page begins inside of a row');
    foundRows += repetition.reduce((sum, level) => sum + (level === 0 ? 1 : 0), 0);
    const definition = decodeLevels(levels.definition, leaf.maxDefinition, count);
    const present = definition.reduce((sum, level) => sum + (level === leaf.maxDefinition ? 1 : 0), 0);
    decodeValues(body, encoding, type, present, dictionary);
    found += count;
  }
  if (foundRows !== rows) throw new Error(`its pages hold ${foundRows} rows where its row group has ${rows}`);
}

/** Levels of a page of version 1, behind their length. */
function prefixed(page: Uint8Array, most: number): { bytes: Uint8Array; end: number } {
  if (most === 0) return { bytes: page.subarray(0, 0), end: 0 };
  const end = 4 + new DataView(page.buffer, page.byteOffset, page.byteLength).getUint32(0, true);
  if (end > page.length) throw new Error('a page ends in the middle of its levels');
  return { bytes: page.subarray(4, end), end };
}

function decodeLevels(bytes: Uint8Array, most: number, count: number): Uint8Array {
  const levels = new Uint8Array(count);
  if (most === 0) return levels;
  decodeHybrid(bytes, 32 - Math.clz32(most), levels);
  if (levels.some((level) => level > most)) throw new Error('a page has levels that its schema has not');
  return levels;
}
