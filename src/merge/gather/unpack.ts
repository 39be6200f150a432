import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { CODEC } from '../parquet/decompress.ts';

/** Codecs of pages that are unpacked here. */
export const canUnpack = (codec: number): boolean =>
  codec === CODEC.uncompressed || codec === CODEC.snappy || codec === CODEC.gzip || codec === CODEC.zstd;

/**
 * Decompresses one page to exactly `length` bytes. Verification has decoders of its own (parquet/decompress.ts): what is
 * wrong in one of them must not hide in the other. Throws an Error where the bytes do not give that length.
 */
export function unpack(codec: number, bytes: Uint8Array, length: number): Uint8Array {
  // What writers leave in place of nothing differs.
  if (length === 0) return new Uint8Array(0);
  const page = unpackWith(codec, bytes, length);
  if (page.length !== length) throw new Error(`a page has ${page.length} bytes where its header says ${length}`);
  return page;
}

function unpackWith(codec: number, bytes: Uint8Array, length: number): Uint8Array {
  switch (codec) {
    case CODEC.uncompressed:
      return bytes;
    case CODEC.snappy:
      return unpackSnappy(bytes, length);
    case CODEC.gzip:
      return gunzipSync(bytes, { maxOutputLength: length });
    case CODEC.zstd:
      return zstdDecompressSync(bytes, { maxOutputLength: length });
    default:
      throw new Error(`its compression codec ${codec} is not supported`);
  }
}

/** Three bytes of a copy give 64: no page is longer for its bytes. */
const SNAPPY_MOST = 22;

/** Source: https://github.com/google/snappy/blob/main/format_description.txt */
function unpackSnappy(bytes: Uint8Array, length: number): Uint8Array {
  const broken = (): Error => new Error('a page is not what Snappy writes');
  let at = 0;
  let said = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++];
    if (byte === undefined || shift > 28) throw broken();
    said += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) break;
  }
  // Before an array is made for it.
  if (said !== length || length > bytes.length * SNAPPY_MOST) throw broken();
  const out = new Uint8Array(length);
  let filled = 0;
  while (at < bytes.length) {
    const tag = bytes[at++]!;
    if ((tag & 3) === 0) {
      let size = tag >> 2;
      if (size >= 60) {
        const wide = size - 59;
        if (at + wide > bytes.length) throw broken();
        size = 0;
        for (let i = 0; i < wide; i++) size += bytes[at++]! * 2 ** (8 * i);
      }
      size++;
      if (at + size > bytes.length || filled + size > length) throw broken();
      // A call costs more than a short loop.
      if (size <= 32) for (let i = 0; i < size; i++) out[filled + i] = bytes[at + i]!;
      else out.set(bytes.subarray(at, at + size), filled);
      at += size;
      filled += size;
      continue;
    }
    let size: number;
    let back: number;
    if ((tag & 3) === 1) {
      size = ((tag >> 2) & 7) + 4;
      back = ((tag >> 5) << 8) | (bytes[at] ?? 0);
      at += 1;
    } else {
      const wide = (tag & 3) === 2 ? 2 : 4;
      size = (tag >> 2) + 1;
      back = 0;
      for (let i = 0; i < wide; i++) back += (bytes[at + i] ?? 0) * 2 ** (8 * i);
      at += wide;
    }
    if (at > bytes.length || back === 0 || back > filled || filled + size > length) throw broken();
    // What is copied may be what the copy itself has just written.
    for (let i = 0, from = filled - back; i < size; i++) out[filled + i] = out[from + i]!;
    filled += size;
  }
  if (filled !== length) throw broken();
  return out;
}
