/**
 * Delta encodings of pages that may say anything: no length is believed before the bytes are seen.
 * Source: https://github.com/apache/parquet-format/blob/master/Encodings.md
 */

/** Writers put 128 or 256 into a block. */
const MOST_IN_BLOCK = 2 ** 20;
/** Prefixes may make much of few bytes: of one page at most this is put together, bytes. */
const MOST_TEXT = 256 * 1024 ** 2;

/** Decodes DELTA_BINARY_PACKED from byte `at` on until `output` is full; returns where the deltas end. */
export function decodeDeltas(page: Uint8Array, at: number, output: Int32Array | BigInt64Array): number {
  const reader = new DeltaReader(page, at);
  const [block, parts] = [Number(reader.varint()), Number(reader.varint())];
  const perPart = block / parts;
  if (!(block > 0 && block <= MOST_IN_BLOCK && parts > 0 && perPart % 8 === 0))
    throw new Error(`a page has blocks of ${block} deltas in ${parts} parts`);
  reader.varint();
  const put = putterOf(output, reader.zigzag());
  for (let filled = 1; filled < output.length;) {
    const least = reader.zigzag();
    const widths = reader.take(parts);
    for (const width of widths) {
      // Parts behind the last value have a width, but no bytes.
      if (filled >= output.length) break;
      if (width > 64) throw new Error(`a page has deltas of ${width} bits`);
      const bytes = reader.take((perPart * width) / 8);
      for (let i = 0; i < perPart && filled < output.length; i++, filled++) put(least, bytes, i * width, width);
    }
  }
  return reader.at;
}

type Put = (least: bigint, bytes: Uint8Array, bitAt: number, width: number) => void;

/** Writes one value after the other, the first at once; sums wrap as the format wants. */
function putterOf(output: Int32Array | BigInt64Array, first: bigint): Put {
  let next = 1;
  if (output instanceof BigInt64Array) {
    let value = (output[0] = first);
    return (least, bytes, bitAt, width) => {
      const rest = width <= 45 ? BigInt(unpack(bytes, bitAt, width)) : unpackLong(bytes, bitAt, width);
      value = BigInt.asIntN(64, value + least + rest);
      output[next++] = value;
    };
  }
  let value = (output[0] = Number(BigInt.asIntN(32, first)));
  return (least, bytes, bitAt, width) => {
    // Of wider deltas only the low 32 bits matter.
    value = (value + Number(BigInt.asIntN(32, least)) + (unpack(bytes, bitAt, Math.min(width, 32)) | 0)) | 0;
    output[next++] = value;
  };
}

/** At most 45 bits: with the 7 before them they fit a double. */
function unpack(bytes: Uint8Array, bitAt: number, width: number): number {
  const offset = bitAt & 7;
  let value = 0;
  for (let i = 0, at = bitAt >> 3; i * 8 < offset + width; i++) value += bytes[at + i]! * 2 ** (8 * i);
  return Math.floor(value / 2 ** offset) % 2 ** width;
}

const unpackLong = (bytes: Uint8Array, bitAt: number, width: number): bigint =>
  BigInt(unpack(bytes, bitAt, 32)) | (BigInt(unpack(bytes, bitAt + 32, width - 32)) << 32n);

class DeltaReader {
  private readonly page: Uint8Array;
  at: number;
  constructor(page: Uint8Array, at: number) {
    this.page = page;
    this.at = at;
  }

  take(length: number): Uint8Array {
    if (length > this.page.length - this.at) throw new Error('a page ends in the middle of its deltas');
    this.at += length;
    return this.page.subarray(this.at - length, this.at);
  }

  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.take(1)[0]!;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new Error('a page has a delta of more than 64 bits');
  }

  zigzag(): bigint {
    const value = this.varint();
    return BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n));
  }
}

/** DELTA_LENGTH_BYTE_ARRAY: views of the page. */
export function decodeDeltaLengths(page: Uint8Array, count: number): Uint8Array[] {
  const lengths = new Int32Array(count);
  return textsAt(page, decodeDeltas(page, 0, lengths), lengths);
}

/** DELTA_BYTE_ARRAY: of each value as much of the one before it as its prefix says, then its own. */
export function decodeDeltaTexts(page: Uint8Array, count: number): Uint8Array[] {
  const prefixes = new Int32Array(count);
  const suffixes = new Int32Array(count);
  const texts = textsAt(page, decodeDeltas(page, decodeDeltas(page, 0, prefixes), suffixes), suffixes);
  let before: Uint8Array = new Uint8Array(0);
  let sum = 0;
  for (let i = 0; i < count; i++) {
    const prefix = prefixes[i]!;
    const suffix = texts[i]!;
    if (prefix < 0 || prefix > before.length) throw new Error('a page repeats more of a value than it has');
    if (prefix > 0) {
      sum += prefix + suffix.length;
      if (sum > MOST_TEXT) throw new Error(`a page makes more than ${MOST_TEXT} bytes of its ${page.length}`);
      const text = new Uint8Array(prefix + suffix.length);
      text.set(before.subarray(0, prefix));
      text.set(suffix, prefix);
      texts[i] = text;
    }
    before = texts[i]!;
  }
  return texts;
}

function textsAt(page: Uint8Array, start: number, lengths: Int32Array): Uint8Array[] {
  let at = start;
  return Array.from(lengths, (length) => {
    if (length < 0 || length > page.length - at) throw new Error('a page ends in the middle of its values');
    at += length;
    return page.subarray(at - length, at);
  });
}
