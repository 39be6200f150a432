/**
 * Writes a file front to back in large blocks past the page cache (O_DIRECT): the disk works at its own speed, the
 * processor copies every byte once and not twice, and the machine's page cache keeps what it held.
 */
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { alignedBuffer, ALIGNMENT } from './aligned-buffer.ts';
import { SystemCallError } from './libc.ts';
import type { NearbyFile } from './nearby-file.ts';

const BUFFER_BYTES = 2 * 1024 * 1024;
/** One is filled while the others are written: 8 MiB in all. */
const BUFFERS = 4;

/** A stretch of the file in memory, from a multiple of ALIGNMENT on; `filled` bytes of it are final. */
interface Stretch {
  buffer: Buffer;
  start: number;
  filled: number;
}

export class DirectWriter {
  readonly #handle: FileHandle;
  readonly #spare: Buffer[] = [];
  #buffers = 0;
  #current: Stretch | null = null;
  readonly #writes = new Set<Promise<void>>();

  private constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /** `path` exists and is empty. Null where its file system has no such writes. */
  static async open(path: string): Promise<DirectWriter | null> {
    const handle = await open(path, constants.O_WRONLY | constants.O_DIRECT).catch(() => null);
    if (handle === null) return null;
    // Some file systems take the flag and refuse the write. What this leaves is written over.
    const probe = await handle.write(alignedBuffer(0).fill(0), 0, ALIGNMENT, 0).catch(() => null);
    if (probe?.bytesWritten === ALIGNMENT) return new DirectWriter(handle);
    await handle.close();
    return null;
  }

  /**
   * Places `length` bytes of `source` at `to`. Offsets ascend from call to call, and what is placed after a jump begins
   * in another block of ALIGNMENT bytes; what lies between becomes zeros. Throws the system's errors, also those of
   * writes begun by earlier calls. Returns how many bytes there were: fewer than `length` at the end of `source`.
   */
  async append(source: NearbyFile, from: number, length: number, to: number): Promise<number> {
    for (let done = 0; done < length;) {
      const { buffer, start, filled } = await this.#stretchFor(to + done);
      const step = Math.min(length - done, buffer.length - filled);
      const read = source.fill(buffer.subarray(filled, filled + step), from + done);
      this.#current = { buffer, start, filled: filled + read };
      done += read;
      if (read < step) return done;
    }
    return length;
  }

  /** What is placed next begins in another block, however near: in between lies what others have written. */
  endStretch(): void {
    this.#beginWrite();
  }

  /** Has everything written, in whole blocks: the file may end up to ALIGNMENT - 1 zeros behind the last byte. */
  async flush(): Promise<void> {
    this.#beginWrite();
    await Promise.all(this.#writes);
  }

  /** Waits for writes under way, whatever becomes of them. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#writes);
    await this.#handle.close();
  }

  /** The stretch that goes on at `at`, with room for at least a byte; zeros fill what is skipped. */
  async #stretchFor(at: number): Promise<Stretch> {
    const current = this.#current;
    if (current !== null) {
      const offset = at - current.start;
      if (offset >= current.filled && offset < current.buffer.length) {
        current.buffer.fill(0, current.filled, offset);
        return { ...current, filled: offset };
      }
    }
    this.#beginWrite();
    const buffer = await this.#takeBuffer();
    const lead = at % ALIGNMENT;
    buffer.fill(0, 0, lead);
    return (this.#current = { buffer, start: at - lead, filled: lead });
  }

  #beginWrite(): void {
    if (this.#current === null) return;
    const { buffer, start, filled } = this.#current;
    this.#current = null;
    const whole = Math.ceil(filled / ALIGNMENT) * ALIGNMENT;
    buffer.fill(0, filled, whole);
    const write = this.#write(buffer, start, whole);
    this.#writes.add(write);
    // A failed write stays in the set: whoever waits next is told.
    write.then(
      () => {
        this.#spare.push(buffer);
        this.#writes.delete(write);
      },
      () => undefined,
    );
  }

  async #write(buffer: Buffer, start: number, length: number): Promise<void> {
    for (let written = 0; written < length;) {
      const { bytesWritten } = await this.#handle.write(buffer, written, length - written, start + written);
      // Cut off, at a full disk: from its last whole block on, the next call has the reason. Where there is none it is the disk's size.
      const whole = Math.floor(bytesWritten / ALIGNMENT) * ALIGNMENT;
      if (whole === 0) throw new SystemCallError('write', 'ENOSPC');
      written += whole;
    }
  }

  async #takeBuffer(): Promise<Buffer> {
    if (this.#spare.length === 0 && this.#buffers < BUFFERS) {
      this.#buffers++;
      return alignedBuffer(BUFFER_BYTES).subarray(0, BUFFER_BYTES);
    }
    while (this.#spare.length === 0) await Promise.race(this.#writes);
    return this.#spare.pop()!;
  }
}
