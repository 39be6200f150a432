/**
 * Decodes the hybrid of run lengths and bit-packed runs, in which levels, dictionary indices and booleans are stored, until
 * `output` is full; what a run has beyond that is not looked at, however long it says that it is. `width`: 1 to 24 bits.
 * Throws an Error where the bytes end before.
 * Source: https://github.com/apache/parquet-format/blob/master/Encodings.md
 */
export function decodeHybrid(bytes: Uint8Array, width: number, output: Uint8Array | Uint32Array): void {
  const valueBytes = (width + 7) >> 3;
  const mask = 2 ** width - 1;
  let at = 0;
  const next = (): number => {
    const byte = bytes[at++];
    if (byte === undefined) throw new Error('a page ends in the middle of a run');
    return byte;
  };
  for (let filled = 0; filled < output.length;) {
    let header = 0;
    for (let shift = 0; ; shift += 7) {
      if (shift > 28) throw new Error('a run has a length of more than 32 bits');
      const byte = next();
      header += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) break;
    }
    const length = Math.floor(header / 2);
    const room = output.length - filled;
    if (header % 2 === 0) {
      let value = 0;
      for (let i = 0; i < valueBytes; i++) value |= next() << (8 * i);
      const end = filled + Math.min(length, room);
      output.fill(value, filled, end);
      filled = end;
    } else {
      const runEnd = at + length * width;
      const end = filled + Math.min(length * 8, room);
      // Levels: eight a byte.
      if (width === 1)
        while (filled < end) {
          const byte = next();
          for (let bit = 0; bit < 8 && filled < end; bit++) output[filled++] = (byte >> bit) & 1;
        }
      let bits = 0;
      let held = 0;
      for (; filled < end; filled++) {
        // At most 24 + 7 bits are held.
        for (; held < width; held += 8) bits |= next() << held;
        output[filled] = bits & mask;
        bits >>>= width;
        held -= width;
      }
      at = runEnd;
    }
  }
}
