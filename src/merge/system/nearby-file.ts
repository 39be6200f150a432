import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { ReadableFile } from './disk-file.ts';
import { readAhead } from './page-cache.ts';

/**
 * A file that is read in this thread: to copy what the kernel has in memory takes less time than to ask another thread for it, all the
 * more where processors are few. What the kernel has not is to be asked for before (`expect`), so that the disk has several reads to do.
 */
export class NearbyFile implements ReadableFile, Disposable {
  readonly fd: number;

  /** Throws the system's errors. */
  constructor(path: string) {
    this.fd = openSync(path, 'r');
  }

  /** Bytes, as it is now. */
  get size(): number {
    return fstatSync(this.fd).size;
  }

  /** A range that will be read soon; from the end of the file where `start` is negative. */
  expect(start: number, length: number): void {
    readAhead(this.fd, start < 0 ? Math.max(0, this.size + start) : start, length);
  }

  // Rejections and not exceptions, as of other files.
  // eslint-disable-next-line @typescript-eslint/require-await
  async read(buffer: Buffer, offset: number, length: number, position: number): Promise<{ bytesRead: number }> {
    return { bytesRead: readSync(this.fd, buffer, offset, length, position) };
  }

  // eslint-disable-next-line @typescript-eslint/require-await
  async stat(): Promise<{ size: number }> {
    return { size: this.size };
  }

  [Symbol.dispose](): void {
    closeSync(this.fd);
  }
}
