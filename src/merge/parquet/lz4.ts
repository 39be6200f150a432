/**
 * LZ4 blocks, bare (LZ4_RAW) and in the framing of Hadoop (the deprecated LZ4), to exactly the length that is asked for.
 * Source: https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md
 */

/** A byte makes at most this many. */
export const LZ4_MOST = 255;

/** Throws an Error where the block does not give `length` bytes. */
export function decompressLz4Raw(input: Uint8Array, length: number): Uint8Array {
  const output = new Uint8Array(length);
  decodeBlock(input, output);
  return output;
}

/** Frames of Hadoop (length of the output, length of the block, both big-endian, the block), or a bare block. */
export function decompressLz4(input: Uint8Array, length: number): Uint8Array {
  const frames = framesOf(input, length);
  if (frames === null) return decompressLz4Raw(input, length);
  const output = new Uint8Array(length);
  let at = 0;
  for (const { block, bytes } of frames) decodeBlock(block, output.subarray(at, (at += bytes)));
  return output;
}

/** Null where the lengths of the frames are not those of the whole. */
function framesOf(input: Uint8Array, length: number): { block: Uint8Array; bytes: number }[] | null {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  const frames: { block: Uint8Array; bytes: number }[] = [];
  let at = 0;
  let sum = 0;
  while (at < input.length) {
    if (at + 8 > input.length) return null;
    const [bytes, stored] = [view.getUint32(at), view.getUint32(at + 4)];
    at += 8;
    sum += bytes;
    if (stored > input.length - at || sum > length) return null;
    frames.push({ block: input.subarray(at, at + stored), bytes });
    at += stored;
  }
  return sum === length ? frames : null;
}

function decodeBlock(input: Uint8Array, output: Uint8Array): void {
  let from = 0;
  let to = 0;
  const next = (): number => {
    const byte = input[from++];
    if (byte === undefined) throw new Error('an LZ4 block ends too early');
    return byte;
  };
  const lengthOf = (nibble: number): number => {
    let length = nibble;
    if (nibble === 15) for (let byte = 255; byte === 255;) length += byte = next();
    return length;
  };
  while (from < input.length) {
    const token = next();
    const literals = lengthOf(token >> 4);
    if (literals > input.length - from || literals > output.length - to)
      throw new Error('an LZ4 block has more bytes than its page');
    output.set(input.subarray(from, from + literals), to);
    from += literals;
    to += literals;
    // The last sequence has no match.
    if (from === input.length) break;
    const offset = next() + 256 * next();
    const length = lengthOf(token & 15) + 4;
    if (offset === 0 || offset > to || length > output.length - to)
      throw new Error('an LZ4 block refers to bytes that it has not');
    if (offset >= length) output.copyWithin(to, to - offset, to - offset + length);
    else for (let i = 0; i < length; i++) output[to + i] = output[to + i - offset]!;
    to += length;
  }
  if (to !== output.length) throw new Error(`an LZ4 block has ${to} bytes where its page says ${output.length}`);
}
