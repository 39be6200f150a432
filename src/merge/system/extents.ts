/** Where the bytes of a file lie on its disk, as FIEMAP tells (Linux; Documentation/filesystems/fiemap). */
import { ioctl } from './libc.ts';

/** A run of bytes of a file that lie one behind the other on its disk, whole and as they are. */
export interface Extent {
  start: number;
  length: number;
  /** Of its first byte. */
  physical: bigint;
  /** Other files, or other places of this one, have these blocks, too. */
  shared: boolean;
}

/** linux/fiemap.h: _IOWR('f', 11, struct fiemap), a header and then one entry an extent. */
const FS_IOC_FIEMAP = 0xc020660b;
const HEADER_BYTES = 32;
const EXTENT_BYTES = 56;
/** What is in memory only is written first. */
const FLAG_SYNC = 1;
const MOST_EXTENTS = 128;
const EXTENT = {
  last: 0x1,
  /** Unknown place, not allocated yet, encoded, encrypted, not aligned, inline, in a shared tail, not written yet. */
  elsewhere: 0x2 | 0x4 | 0x8 | 0x80 | 0x100 | 0x200 | 0x400 | 0x800,
  shared: 0x2000,
};

/** Looks up ranges that mostly ascend; what it was told last is kept. A file that is written meanwhile is not noticed. */
export class ExtentMap {
  readonly fd: number;
  #extents: Extent[] = [];
  /** Of what was told: the first byte, and the byte behind the last. */
  #from = 0;
  #to = 0;

  constructor(fd: number) {
    this.fd = fd;
  }

  /**
   * The extents that hold bytes of the range, ascending. Bytes that no extent holds are in a hole, or not on the disk as
   * they are (compressed, inline, not allocated). Throws SystemCallError where the file system does not tell.
   */
  within(start: number, length: number): Extent[] {
    const found: Extent[] = [];
    for (let at = start; at < start + length; at = Math.min(this.#to, start + length)) {
      if (at < this.#from || at >= this.#to) this.#ask(at);
      for (const extent of this.#extents)
        if (extent.start < start + length && extent.start + extent.length > at) found.push(extent);
    }
    return found;
  }

  #ask(start: number): void {
    const argument = Buffer.alloc(HEADER_BYTES + MOST_EXTENTS * EXTENT_BYTES);
    argument.writeBigUInt64LE(BigInt(start), 0);
    argument.writeBigUInt64LE(0xffff_ffff_ffff_ffffn - BigInt(start), 8);
    argument.writeUInt32LE(FLAG_SYNC, 16);
    argument.writeUInt32LE(MOST_EXTENTS, 24);
    ioctl(this.fd, 'FIEMAP', FS_IOC_FIEMAP, argument);
    const count = argument.readUInt32LE(20);
    this.#extents = [];
    this.#from = start;
    // Fewer than there was room for: there are no more.
    this.#to = Infinity;
    for (let i = 0; i < count; i++) {
      const at = HEADER_BYTES + i * EXTENT_BYTES;
      const flags = argument.readUInt32LE(at + 40);
      const extent: Extent = {
        start: Number(argument.readBigUInt64LE(at)),
        physical: argument.readBigUInt64LE(at + 8),
        length: Number(argument.readBigUInt64LE(at + 16)),
        shared: (flags & EXTENT.shared) !== 0,
      };
      if (i === MOST_EXTENTS - 1 && (flags & EXTENT.last) === 0) this.#to = extent.start + extent.length;
      if ((flags & EXTENT.elsewhere) === 0) this.#extents.push(extent);
    }
  }
}
