/**
 * Runs of small numbers: definition levels, indices of dictionaries, booleans of version 2.
 * Source: https://github.com/apache/parquet-format/blob/master/Encodings.md, "RLE/Bit-Packing Hybrid"
 */

/** Reads `to - from` numbers of `width` bits (0 to 24) into `out[from..to]`. Throws an Error where the bytes end before. */
export function readRuns(
  bytes: Uint8Array,
  width: number,
  out: Uint8Array | Uint32Array,
  from: number,
  to: number,
): void {
  if (width === 0) {
    out.fill(0, from, to);
    return;
  }
  const mask = 2 ** width - 1;
  const valueBytes = Math.ceil(width / 8);
  let at = 0;
  let filled = from;
  while (filled < to) {
    let header = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      if (byte === undefined || shift > 28) throw new Error('a page ends in the middle of its runs');
      header += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) break;
    }
    const count = Math.floor(header / 2);
    if (header % 2 === 0) {
      if (at + valueBytes > bytes.length) throw new Error('a page ends in the middle of its runs');
      let value = 0;
      for (let i = 0; i < valueBytes; i++) value |= bytes[at++]! << (8 * i);
      const end = Math.min(to, filled + count);
      out.fill(value, filled, end);
      filled = end;
      continue;
    }
    const end = Math.min(to, filled + 8 * count);
    // Writers leave out the rest of the last group, where nothing is.
    if (at + Math.ceil(((end - filled) * width) / 8) > bytes.length)
      throw new Error('a page ends in the middle of its runs');
    // A window of 32 bits over the one that the number begins in: 7 + 24 bits at most.
    for (let bit = at * 8; filled < end; bit += width) {
      const byte = bit >>> 3;
      const window =
        bytes[byte]! | ((bytes[byte + 1] ?? 0) << 8) | ((bytes[byte + 2] ?? 0) << 16) | ((bytes[byte + 3] ?? 0) << 24);
      out[filled++] = (window >>> (bit & 7)) & mask;
    }
    at += count * width;
  }
}

/** One run of `count` times the same number of one byte. */
export function sameRun(count: number, value: number): Uint8Array {
  return Uint8Array.from([...varint(count * 2), value]);
}

/** Numbers of `width` bits (1 to 24) as one bit-packed run. */
export function packRun(numbers: Uint8Array | Uint32Array, width: number): Uint8Array {
  const packed = packBits(numbers, width);
  return Buffer.concat([Uint8Array.from(varint(Math.ceil(numbers.length / 8) * 2 + 1)), packed]);
}

/** Numbers of `width` bits (1 to 24), one behind the other from the lowest bit on, in groups of eight. */
export function packBits(numbers: Uint8Array | Uint32Array, width: number): Uint8Array {
  const out = new Uint8Array(Math.ceil(numbers.length / 8) * width);
  let at = 0;
  let held = 0;
  let bits = 0;
  for (let i = 0; i < numbers.length; i++) {
    held |= numbers[i]! << bits;
    bits += width;
    for (; bits >= 8; bits -= 8) {
      out[at++] = held;
      held >>>= 8;
    }
  }
  if (bits > 0) out[at] = held;
  return out;
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  bytes.push(rest);
  return bytes;
}
