import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { snappyUncompressor } from 'hysnappy';
import { decompressLz4, decompressLz4Raw, LZ4_MOST } from './lz4.ts';

/** Compression codecs of column chunks, by their number in the format. */
export const CODEC = {
  uncompressed: 0,
  snappy: 1,
  gzip: 2,
  lzo: 3,
  brotli: 4,
  lz4: 5,
  zstd: 6,
  lz4Raw: 7,
} as const;

let snappy: ReturnType<typeof snappyUncompressor> | undefined;

/**
 * Decompresses one page to exactly `length` bytes; what Node does natively is left to Node, which is several times as fast.
 * Throws an Error where the codec is unknown or the bytes do not give that length.
 */
export function decompress(codec: number, bytes: Uint8Array, length: number): Uint8Array {
  const page = decompressWith(codec, bytes, length);
  if (page.length !== length) throw new Error(`a page has ${page.length} bytes where its header says ${length}`);
  return page;
}

function decompressWith(codec: number, bytes: Uint8Array, length: number): Uint8Array {
  // Pages of nulls alone: what writers leave in place of nothing differs, and some decompressors trip over it.
  if (length === 0) return new Uint8Array(0);
  // A bound on what hostile bytes can ask for; zlib wants at least 1.
  const options = { maxOutputLength: Math.max(length, 1) };
  switch (codec) {
    case CODEC.uncompressed:
      return bytes;
    case CODEC.snappy:
      refuseLongerThan(length, Math.min(snappyLength(bytes), bytes.length * SNAPPY_MOST));
      // Compiled where it is needed: it is WebAssembly.
      return (snappy ??= snappyUncompressor())(bytes, length);
    case CODEC.gzip:
      return gunzipSync(bytes, options);
    case CODEC.brotli:
      return brotliDecompressSync(bytes, options);
    case CODEC.lz4:
      refuseLongerThan(length, bytes.length * LZ4_MOST);
      return decompressLz4(bytes, length);
    case CODEC.zstd:
      return zstdDecompressSync(bytes, options);
    case CODEC.lz4Raw:
      refuseLongerThan(length, bytes.length * LZ4_MOST);
      return decompressLz4Raw(bytes, length);
    default:
      throw new Error(`its compression codec ${codec} is not supported`);
  }
}

/** Before an array is made for it: no bytes give so many. */
function refuseLongerThan(length: number, most: number): void {
  if (length > most) throw new Error(`a page has at most ${most} bytes where its header says ${length}`);
}

/** Three bytes give at most 64. */
const SNAPPY_MOST = 22;

/** What compressed bytes say of their own length. */
function snappyLength(bytes: Uint8Array): number {
  let length = 0;
  for (let i = 0; i < 5; i++) {
    const byte = bytes[i] ?? 0;
    length += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) break;
  }
  return length;
}
