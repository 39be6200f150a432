import koffi from 'koffi';
import type { FileHandle } from 'node:fs/promises';

const fadvise = koffi.load(null).func('int posix_fadvise(int fd, int64_t offset, int64_t length, int advice)') as (
  fd: number,
  offset: number,
  length: number,
  advice: number,
) => number;

const POSIX_FADV_WILLNEED = 3;
const POSIX_FADV_DONTNEED = 4;

/**
 * Asks the kernel to forget its copy of a file, which must be fsynced, so that what is read next comes from the disk.
 * Advice only: a file system without a page cache of its own (tmpfs) ignores it.
 */
export function dropFromPageCache(handle: FileHandle): void {
  fadvise(handle.fd, 0, 0, POSIX_FADV_DONTNEED);
}

/** Asks the kernel to begin reading a range, which will be read soon. Advice only; does not wait for the disk. */
export function readAhead(fd: number, start: number, length: number): void {
  fadvise(fd, start, length, POSIX_FADV_WILLNEED);
}
