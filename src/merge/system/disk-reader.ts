/**
 * Reads a file from its disk and not from the kernel's memory of what was written: O_DIRECT where the file system has
 * it, else through a page cache that was told to forget the file.
 */
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import koffi from 'koffi';
import { dropFromPageCache } from './page-cache.ts';

/** Direct reads start, end and land at multiples of this: the largest block that file systems here have. */
const ALIGNMENT = 4096;

export class DiskReader implements AsyncDisposable {
  readonly handle: FileHandle;
  readonly #direct: boolean;

  private constructor(handle: FileHandle, direct: boolean) {
    this.handle = handle;
    this.#direct = direct;
  }

  /** `path` must have been fsynced. */
  static async open(path: string): Promise<DiskReader> {
    const direct = await open(path, constants.O_RDONLY | constants.O_DIRECT).catch(() => null);
    if (direct !== null) {
      // Where the flag is taken and not heeded (ext4 that journals data, compressed extents of btrfs), this is all there is.
      dropFromPageCache(direct);
      // Some file systems take the flag and refuse the read.
      const probe = await direct.read(alignedBuffer(0), 0, ALIGNMENT, 0).catch(() => null);
      if (probe !== null) return new DiskReader(direct, true);
      await direct.close();
    }
    const handle = await open(path, 'r');
    dropFromPageCache(handle);
    return new DiskReader(handle, false);
  }

  /** `length` bytes from `start` on, in `buffer` (of alignedBuffer(length) or longer); fewer at the end of the file. */
  async read(buffer: Buffer, start: number, length: number): Promise<Buffer> {
    const lead = this.#direct ? start % ALIGNMENT : 0;
    const wanted = lead + length;
    const whole = this.#direct ? Math.ceil(wanted / ALIGNMENT) * ALIGNMENT : wanted;
    for (let done = 0; done < wanted;) {
      const { bytesRead } = await this.handle.read(buffer, done, whole - done, start - lead + done);
      // A direct read that ends off the alignment has met the end of the file.
      if (bytesRead === 0 || (this.#direct && bytesRead % ALIGNMENT !== 0))
        return buffer.subarray(lead, Math.max(lead, Math.min(wanted, done + bytesRead)));
      done += bytesRead;
    }
    return buffer.subarray(lead, wanted);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.handle.close();
  }
}

/** A buffer for reads of up to `length` bytes wherever they start; its memory begins at a multiple of the alignment. */
export function alignedBuffer(length: number): Buffer {
  const size = (Math.ceil(length / ALIGNMENT) + 1) * ALIGNMENT;
  const memory = Buffer.allocUnsafeSlow(size + ALIGNMENT);
  const offset = (ALIGNMENT - Number(koffi.address(memory) % BigInt(ALIGNMENT))) % ALIGNMENT;
  return memory.subarray(offset, offset + size);
}
