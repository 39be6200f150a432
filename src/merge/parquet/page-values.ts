import { decodeDeltaLengths, decodeDeltas, decodeDeltaTexts } from './delta.ts';
import { ENCODING, PHYSICAL } from './field-ids.ts';
import { decodeHybrid } from './hybrid.ts';

/**
 * Values of one page, free of logical types. Types of 4 or 8 bytes are `words` (one or two 32-bit words a value), so that
 * no floating-point register ever touches a NaN's payload; booleans are one byte each; all else is byte strings.
 */
export type PageValues =
  | { form: 'words'; words: Int32Array; perValue: 1 | 2 }
  | { form: 'bits'; bits: Uint8Array }
  | { form: 'bytes'; bytes: Uint8Array[] };

export interface PhysicalType {
  type: number;
  /** Bytes of a value of FIXED_LEN_BYTE_ARRAY, or 12 for INT96; else 0. */
  length: number;
}

/** Decodes `count` values of a page's value section. Throws an Error where they are not what the encoding allows. */
export function decodeValues(
  page: Uint8Array,
  encoding: number,
  type: PhysicalType,
  count: number,
  dictionary: PageValues | null,
): PageValues {
  if (count === 0) return emptyValues(type);
  switch (encoding) {
    case ENCODING.plain:
      return decodePlain(page, type, count);
    case ENCODING.plainDictionary:
    case ENCODING.rleDictionary:
      if (dictionary === null) throw new Error('a page refers to a dictionary that is not there');
      return lookUp(dictionary, decodeIndices(page, count));
    case ENCODING.rle: {
      if (type.type !== PHYSICAL.boolean) break;
      const bits = new Uint8Array(count);
      // The length of the runs comes first.
      decodeHybrid(page.subarray(4), 1, bits);
      return { form: 'bits', bits };
    }
    case ENCODING.byteStreamSplit:
      return decodeByteStreamSplit(page, type, count);
    case ENCODING.deltaBinaryPacked:
      return decodeDelta(page, type, count);
    case ENCODING.deltaLengthByteArray:
    case ENCODING.deltaByteArray: {
      if (widthOf(type) !== 0 && type.type !== PHYSICAL.fixedLenByteArray) break;
      const decode = encoding === ENCODING.deltaByteArray ? decodeDeltaTexts : decodeDeltaLengths;
      return { form: 'bytes', bytes: ofWidth(decode(page, count), type) };
    }
  }
  throw new Error(`its encoding ${encoding} is not supported for its type`);
}

function ofWidth(bytes: Uint8Array[], type: PhysicalType): Uint8Array[] {
  const width = widthOf(type);
  if (width > 0 && bytes.some(({ length }) => length !== width))
    throw new Error('a page has values of another length than their type');
  return bytes;
}

function emptyValues(type: PhysicalType): PageValues {
  if (type.type === PHYSICAL.boolean) return { form: 'bits', bits: new Uint8Array(0) };
  const perValue = wordsOf(type);
  return perValue === 0 ? { form: 'bytes', bytes: [] } : { form: 'words', words: new Int32Array(0), perValue };
}

/** 32-bit words of a value, or 0 where the type is not of 4 or 8 bytes. */
export function wordsOf({ type }: PhysicalType): 0 | 1 | 2 {
  if (type === PHYSICAL.int32 || type === PHYSICAL.float) return 1;
  return type === PHYSICAL.int64 || type === PHYSICAL.double ? 2 : 0;
}

const widthOf = (type: PhysicalType): number => wordsOf(type) * 4 || type.length;

export function decodePlain(page: Uint8Array, type: PhysicalType, count: number): PageValues {
  if (type.type === PHYSICAL.boolean) {
    if (page.length * 8 < count) throw new Error('a page ends in the middle of its values');
    return { form: 'bits', bits: Uint8Array.from({ length: count }, (_, i) => (page[i >> 3]! >> (i & 7)) & 1) };
  }
  if (type.type === PHYSICAL.byteArray) return { form: 'bytes', bytes: decodePlainByteArrays(page, count) };
  return fromBytes(page.subarray(0, take(page, count * widthOf(type))), type, count);
}

function take(page: Uint8Array, length: number): number {
  if (length > page.length) throw new Error('a page ends in the middle of its values');
  return length;
}

/** Values of fixed width from their little-endian bytes, one after the other. */
function fromBytes(source: Uint8Array, type: PhysicalType, count: number): PageValues {
  const perValue = wordsOf(type);
  if (perValue === 0) {
    const width = widthOf(type);
    if (width === 0) throw new Error('its type lacks a length');
    return {
      form: 'bytes',
      bytes: Array.from({ length: count }, (_, i) => source.subarray(i * width, (i + 1) * width)),
    };
  }
  // A view where alignment allows it: the usual page of numbers is not copied here.
  if (source.byteOffset % 4 === 0)
    return { form: 'words', words: new Int32Array(source.buffer, source.byteOffset, source.length / 4), perValue };
  return { form: 'words', words: new Int32Array(Uint8Array.from(source).buffer), perValue };
}

function decodePlainByteArrays(page: Uint8Array, count: number): Uint8Array[] {
  const view = new DataView(page.buffer, page.byteOffset, page.byteLength);
  take(page, count * 4);
  const values = new Array<Uint8Array>(count);
  let offset = 0;
  for (let i = 0; i < count; i++) {
    const start = offset + 4;
    const end = start + view.getUint32(offset, true);
    if (end > page.length) throw new Error('a page ends in the middle of its values');
    values[i] = page.subarray(start, end);
    offset = end;
  }
  return values;
}

function decodeIndices(page: Uint8Array, count: number): Uint32Array {
  const width = page[0];
  // Wider indices would overflow the reader's 32-bit arithmetic; a dictionary of 16 million values is no dictionary.
  if (width === undefined || width > 24) throw new Error(`a page has dictionary indices of ${width ?? 'no'} bits`);
  const indices = new Uint32Array(count);
  if (width > 0) decodeHybrid(page.subarray(1), width, indices);
  return indices;
}

function lookUp(dictionary: PageValues, indices: Uint32Array): PageValues {
  const check = (size: number): void => {
    for (let i = 0; i < indices.length; i++)
      if (indices[i]! >= size) throw new Error('a page refers to a value outside of its dictionary');
  };
  const count = indices.length;
  switch (dictionary.form) {
    case 'bits':
      check(dictionary.bits.length);
      return { form: 'bits', bits: Uint8Array.from(indices, (index) => dictionary.bits[index]!) };
    case 'bytes':
      check(dictionary.bytes.length);
      return { form: 'bytes', bytes: Array.from(indices, (index) => dictionary.bytes[index]!) };
    case 'words': {
      const { words: from, perValue } = dictionary;
      check(from.length / perValue);
      const words = new Int32Array(count * perValue);
      if (perValue === 1) for (let i = 0; i < count; i++) words[i] = from[indices[i]!]!;
      else
        for (let i = 0; i < count; i++) {
          const index = indices[i]! * 2;
          words[2 * i] = from[index]!;
          words[2 * i + 1] = from[index + 1]!;
        }
      return { form: 'words', words, perValue };
    }
  }
}

function decodeByteStreamSplit(page: Uint8Array, type: PhysicalType, count: number): PageValues {
  const width = widthOf(type);
  take(page, count * width);
  const bytes = new Uint8Array(count * width);
  for (let stream = 0; stream < width; stream++)
    for (let i = 0; i < count; i++) bytes[i * width + stream] = page[stream * count + i]!;
  return fromBytes(bytes, type, count);
}

function decodeDelta(page: Uint8Array, type: PhysicalType, count: number): PageValues {
  if (type.type === PHYSICAL.int32) {
    const words = new Int32Array(count);
    decodeDeltas(page, 0, words);
    return { form: 'words', words, perValue: 1 };
  }
  if (type.type !== PHYSICAL.int64) throw new Error('its encoding DELTA_BINARY_PACKED is not supported for its type');
  const values = new BigInt64Array(count);
  decodeDeltas(page, 0, values);
  return { form: 'words', words: new Int32Array(values.buffer), perValue: 2 };
}
