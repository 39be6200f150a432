/**
 * Reads a file from its disk and not from the kernel's memory of what was written: O_DIRECT where the file system has
 * it, else through a page cache that was told to forget the file. btrfs answers a direct read of a block with a wrong checksum
 * from the page cache: there a clone without a name is read, which shares the blocks and has no page cache yet.
 */
import { constants, read } from 'node:fs';
import { open, statfs, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { alignedBuffer, ALIGNMENT } from './aligned-buffer.ts';
import type { ReadableFile } from './disk-file.ts';
import { openNameless } from './nameless-file.ts';
import { cloneRange } from './libc.ts';
import { dropFromPageCache } from './page-cache.ts';

/** linux/magic.h */
const BTRFS = 0x9123683e;
const IN_MEMORY: ReadonlySet<number> = new Set([0x01021994 /* tmpfs */, 0x858458f6 /* ramfs */]);

/** Where what is read comes from, as far as this process can tell: `memory` has no disk, `page cache` was asked to forget. */
export type Medium = 'disk' | 'page cache' | 'memory';

/** A reader as plain data. */
export interface LentReader {
  path: string;
  fd: number;
  direct: boolean;
}

/** As DiskReader.read, by a reader of another thread. */
export function readLent(lent: LentReader, buffer: Buffer, start: number, length: number): Promise<Buffer> {
  const file = {
    read: (into: Buffer, offset: number, bytes: number, position: number) =>
      readDescriptor(lent.fd, into, offset, bytes, position),
  };
  return readAligned(file, lent, buffer, start, length);
}

const readDescriptor = promisify(read);

async function readAligned(
  file: Pick<ReadableFile, 'read'>,
  { path, direct }: LentReader,
  buffer: Buffer,
  start: number,
  length: number,
): Promise<Buffer> {
  const lead = direct ? start % ALIGNMENT : 0;
  const wanted = lead + length;
  const whole = direct ? Math.ceil(wanted / ALIGNMENT) * ALIGNMENT : wanted;
  for (let done = 0; done < wanted;) {
    const { bytesRead } = await file.read(buffer, done, whole - done, start - lead + done).catch((error: unknown) => {
      throw Object.assign(error as NodeJS.ErrnoException, { path });
    });
    // A direct read that ends off the alignment has met the end of the file.
    if (bytesRead === 0 || (direct && bytesRead % ALIGNMENT !== 0))
      return buffer.subarray(lead, Math.max(lead, Math.min(wanted, done + bytesRead)));
    done += bytesRead;
  }
  return buffer.subarray(lead, wanted);
}

export class DiskReader implements AsyncDisposable {
  readonly handle: FileHandle;
  readonly medium: Medium;
  readonly #path: string;
  readonly #direct: boolean;

  private constructor(path: string, handle: FileHandle, direct: boolean, medium: Medium) {
    this.#path = path;
    this.handle = handle;
    this.#direct = direct;
    this.medium = medium;
  }

  /** `path` must have been fsynced. */
  static async open(path: string): Promise<DiskReader> {
    const { type } = await statfs(path);
    const direct =
      (type === BTRFS ? await openClone(path) : null) ??
      (await open(path, constants.O_RDONLY | constants.O_DIRECT).catch(() => null));
    if (direct !== null) {
      // Where the flag is taken and not heeded (ext4 that journals data), this is all there is.
      dropFromPageCache(direct);
      // Some file systems take the flag and refuse the read. One that fails for another reason will do so again.
      const isRefused = await direct.read(alignedBuffer(0), 0, ALIGNMENT, 0).then(
        () => false,
        (error: unknown) => (error as NodeJS.ErrnoException).code === 'EINVAL',
      );
      if (!isRefused) return new DiskReader(path, direct, true, IN_MEMORY.has(type) ? 'memory' : 'disk');
      await direct.close();
    }
    const handle = await open(path, 'r');
    dropFromPageCache(handle);
    return new DiskReader(path, handle, false, IN_MEMORY.has(type) ? 'memory' : 'page cache');
  }

  /**
   * `length` bytes from `start` on, in `buffer` (of alignedBuffer(length) or longer); fewer at the end of the file. Throws the system's
   * errors with the file's path.
   */
  read(buffer: Buffer, start: number, length: number): Promise<Buffer> {
    return readAligned(this.handle, this.lend(), buffer, start, length);
  }

  /** For another thread of this process, while this reader is open. */
  lend(): LentReader {
    return { path: this.#path, fd: this.handle.fd, direct: this.#direct };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.handle.close();
  }
}

/** Null where the folder cannot be written, or nothing can be cloned there. */
async function openClone(path: string): Promise<FileHandle | null> {
  const clone = await openNameless(dirname(path), constants.O_DIRECT).catch(() => null);
  if (clone === null) return null;
  const source = await open(path, 'r').catch(() => null);
  try {
    if (source === null) throw new Error('is gone');
    // A length of 0 is all of it.
    cloneRange(source.fd, 0, clone.fd, 0, 0);
    return clone;
  } catch {
    await clone.close();
    return null;
  } finally {
    await source?.close();
  }
}
