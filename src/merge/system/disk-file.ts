import { alignedBuffer } from './aligned-buffer.ts';
import type { DiskReader } from './disk-reader.ts';

/** What decoders need of a file: a FileHandle is one. */
export interface ReadableFile {
  /** May read less than `length`; 0 bytes at the end of the file. */
  read(buffer: Buffer, offset: number, length: number, position: number): Promise<{ bytesRead: number }>;
  stat(): Promise<{ size: number }>;
}

const BUFFER_BYTES = 1024 * 1024;

/** A file for decoders, which read anywhere and into any memory, that comes from the disk; one read at a time. */
export class DiskFile implements ReadableFile {
  readonly #disk: DiskReader;
  readonly #buffer = alignedBuffer(BUFFER_BYTES);
  #last: Promise<unknown> = Promise.resolve();

  constructor(disk: DiskReader) {
    this.#disk = disk;
  }

  read(buffer: Buffer, offset: number, length: number, position: number): Promise<{ bytesRead: number }> {
    const turn = this.#last.then(() => this.#fill(buffer.subarray(offset, offset + length), position));
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async #fill(target: Buffer, position: number): Promise<{ bytesRead: number }> {
    let bytesRead = 0;
    while (bytesRead < target.length) {
      const wanted = Math.min(BUFFER_BYTES, target.length - bytesRead);
      const part = await this.#disk.read(this.#buffer, position + bytesRead, wanted);
      part.copy(target, bytesRead);
      bytesRead += part.length;
      if (part.length < wanted) break;
    }
    return { bytesRead };
  }

  stat(): Promise<{ size: number }> {
    return this.#disk.handle.stat();
  }
}
