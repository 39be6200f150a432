import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import type { ReadableFile } from './disk-file.ts';
import { readAhead } from './page-cache.ts';

/** Node takes lengths of 32 bits; less than was asked for may come, as of any read. */
const MOST_BYTES = 1024 ** 3;

/**
 * A file that is read in this thread: to copy what the kernel has in memory takes less time than to ask another thread for it, all the
 * more where processors are few. What the kernel has not is to be asked for before (`expectRanges`), so that the disk has several reads to do.
 */
export class NearbyFile implements ReadableFile, Disposable {
  readonly fd: number;

  /** Throws the system's errors. Does not wait where somebody has put a pipe in place of the file: nothing comes out of that. */
  constructor(path: string) {
    this.fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  }

  /** Bytes, as it is now. */
  get size(): number {
    return fstatSync(this.fd).size;
  }

  /** Fills `buffer` from `position` on, however the system cuts it. Returns how many bytes there were before the end. */
  fill(buffer: Buffer, position: number): number {
    let done = 0;
    while (done < buffer.length) {
      const bytes = readSync(this.fd, buffer, done, Math.min(buffer.length - done, MOST_BYTES), position + done);
      if (bytes === 0) break;
      done += bytes;
    }
    return done;
  }

  // Rejections and not exceptions, as of other files.
  // eslint-disable-next-line @typescript-eslint/require-await
  async read(buffer: Buffer, offset: number, length: number, position: number): Promise<{ bytesRead: number }> {
    return { bytesRead: readSync(this.fd, buffer, offset, Math.min(length, MOST_BYTES), position) };
  }

  // eslint-disable-next-line @typescript-eslint/require-await
  async stat(): Promise<{ size: number }> {
    return { size: this.size };
  }

  [Symbol.dispose](): void {
    closeSync(this.fd);
  }
}

/**
 * Has the disk begin to read ranges of a file that will be read soon; they count from the end of the file where `start` is negative. What is wrong
 * with the file is met when its turn comes.
 */
export function expectRanges(path: string, ranges: Iterable<{ start: number; length: number }>): void {
  try {
    using file = new NearbyFile(path);
    for (const { start, length } of ranges)
      readAhead(file.fd, start < 0 ? Math.max(0, file.size + start) : start, length);
  } catch {
    // See above.
  }
}
