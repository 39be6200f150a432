import type { FileHandle } from 'node:fs/promises';
import { crc32 } from '../crc32.ts';
import { writeFully } from './write-fully.ts';

/** The end of a file, written piece by piece, with the checksum of what was handed to the system. */
export class FileTail {
  /** Position behind the last piece. */
  end: number;
  bytes = 0;
  /** CRC-32. */
  crc = 0;
  readonly #handle: FileHandle;

  constructor(handle: FileHandle, position: number) {
    this.#handle = handle;
    this.end = position;
  }

  async append(bytes: Uint8Array): Promise<void> {
    await writeFully(this.#handle, bytes, this.end);
    this.end += bytes.length;
    this.bytes += bytes.length;
    this.crc = crc32(bytes, this.crc);
  }
}
