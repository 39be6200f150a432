import { crc32 } from 'node:zlib';

export interface ChecksumsTask {
  /** Shared, so that nothing is copied; not changed meanwhile. */
  memory: SharedArrayBuffer;
  /** Of pieces that lie one behind the other from its beginning on. */
  lengths: number[];
}

/** CRC-32 of each piece. */
export function checksums({ memory, lengths }: ChecksumsTask): Promise<number[]> {
  let at = 0;
  return Promise.resolve(
    lengths.map((length) => {
      const crc = crc32(new Uint8Array(memory, at, length));
      at += length;
      return crc;
    }),
  );
}
