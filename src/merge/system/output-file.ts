/**
 * A file that is written front to back of ranges of other files. A range shares the blocks of its source where the file
 * system can (XFS, btrfs); else it is written past the page cache, else copied inside the kernel, else read and written.
 * Which of them works is remembered for the next ranges. All of them leave the same bytes, also in the gaps.
 */
import { open, type FileHandle } from 'node:fs/promises';
import type { WhyCopied } from '../../payloads.ts';
import type { Segment } from '../parquet/layout.ts';
import { whyNotCloned } from './clones.ts';
import type { NearbyFile } from './nearby-file.ts';
import { DirectWriter } from './direct-writer.ts';
import { cloneRange, copyFileRange } from './libc.ts';
import { FileTail } from './file-tail.ts';
import { takeTurn } from './take-turn.ts';
import { writeFully } from './write-fully.ts';

/** Copied between two looks at the abort signal; about 50 ms of a slow disk. */
const STEP_BYTES = 32 * 1024 * 1024;

/** The source is shorter than it was. */
export class SourceEnded extends Error {}

export class OutputFile implements AsyncDisposable {
  bytesCloned = 0;
  /** Bytes that take space of their own on the disk. */
  bytesCopied = 0;
  /** Of the first range that could not be cloned; null where all could, or none was tried. */
  whyCopied: WhyCopied | null = null;
  readonly #path: string;
  readonly #blockBytes: number;
  readonly #handle: FileHandle;
  #clones = true;
  /** The best way of copying that is not known to fail; undefined until the first copy. */
  #copying: DirectWriter | 'kernel' | 'buffer' | undefined;

  private constructor(path: string, blockBytes: number, handle: FileHandle) {
    this.#path = path;
    this.#blockBytes = blockBytes;
    this.#handle = handle;
  }

  /** Makes `path` anew. */
  static async create(path: string, blockBytes: number): Promise<OutputFile> {
    return new OutputFile(path, blockBytes, await open(path, 'w+', 0o644));
  }

  /**
   * Brings a range of a source here; `onBytes` hears of every part of it. Only one that is `alone` in its blocks can be cloned. Throws the system's errors (ENOSPC and so on)
   * with their code, also of ranges before this one, and `signal.reason` when aborted.
   */
  async place(
    source: NearbyFile,
    { alone, ...segment }: Segment & { alone: boolean },
    signal: AbortSignal | undefined,
    onBytes: (bytes: number) => void,
  ): Promise<void> {
    signal?.throwIfAborted();
    const range = alone ? this.#wholeBlocks(segment, source.size) : segment;
    if (this.#clones && range !== segment && (await this.#clone(source, range))) {
      this.bytesCloned += segment.length;
      onBytes(segment.length);
      return;
    }
    // What is copied beyond the wanted bytes is no progress.
    let unreported = segment.length;
    for (let done = 0; done < range.length;) {
      signal?.throwIfAborted();
      const step = Math.min(STEP_BYTES, range.length - done);
      const copied = await this.#copy(source, range.start + done, range.target + done, step);
      if (copied === 0) throw new SourceEnded();
      done += copied;
      this.bytesCopied += copied;
      onBytes(Math.min(copied, unreported));
      unreported -= Math.min(copied, unreported);
    }
  }

  /** What comes behind all ranges, from `position` on. */
  async beginTail(position: number): Promise<FileTail> {
    if (this.#copying instanceof DirectWriter) await this.#copying.flush();
    return new FileTail(this.#handle, position);
  }

  /** Writes `head` in front of all ranges, ends the file where `tail` does, and fsyncs it. Returns its size. */
  async finish(head: Uint8Array, tail: FileTail): Promise<number> {
    await writeFully(this.#handle, head, 0);
    this.bytesCopied += head.length + tail.bytes;
    const size = tail.end;
    // A last block that was shared, or written whole, may reach beyond.
    await this.#handle.truncate(size);
    await this.#handle.sync();
    return size;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#copying instanceof DirectWriter) await this.#copying.close();
    await this.#handle.close();
  }

  /** The range extended to whole blocks; itself where it lies differently in its blocks. */
  #wholeBlocks(segment: Segment, size: number): Segment {
    const lead = segment.start % this.#blockBytes;
    if (segment.target % this.#blockBytes !== lead) return segment;
    const start = segment.start - lead;
    const end = Math.ceil((segment.start + segment.length) / this.#blockBytes) * this.#blockBytes;
    return { start, length: Math.min(end, size) - start, target: segment.target - lead };
  }

  async #clone(source: NearbyFile, { start, length, target }: Segment): Promise<boolean> {
    if (this.#copying instanceof DirectWriter) this.#copying.endStretch();
    try {
      cloneRange(source.fd, start, this.#handle.fd, target, length);
      return true;
    } catch (error) {
      const code = codeOf(error);
      // A range that the file system will not share.
      if (code === 'EINVAL') return false;
      // Another file system, or one without clones.
      if (!['EOPNOTSUPP', 'ENOTSUP', 'ENOTTY', 'ENOSYS', 'EXDEV', 'EPERM', 'ETXTBSY'].includes(code)) throw error;
      this.#clones = false;
      this.whyCopied = await whyNotCloned(`/proc/self/fd/${source.fd}`, code);
      return false;
    }
  }

  async #meansOfCopying(): Promise<DirectWriter | 'kernel' | 'buffer'> {
    return (this.#copying ??= (await DirectWriter.open(this.#path)) ?? 'kernel');
  }

  async #copy(source: NearbyFile, from: number, to: number, length: number): Promise<number> {
    const copying = await this.#meansOfCopying();
    if (copying instanceof DirectWriter) return copying.append(source, from, length, to);
    if (copying === 'kernel')
      try {
        const copied = copyFileRange(source.fd, from, this.#handle.fd, to, length);
        await takeTurn();
        if (copied > 0) return copied;
      } catch (error) {
        if (!['EXDEV', 'EOPNOTSUPP', 'ENOTSUP', 'ENOSYS', 'EINVAL', 'EPERM'].includes(codeOf(error))) throw error;
        this.#copying = 'buffer';
      }
    const buffer = Buffer.allocUnsafe(Math.min(length, 4 * 1024 * 1024));
    const { bytesRead } = await source.read(buffer, 0, buffer.length, from);
    await writeFully(this.#handle, buffer.subarray(0, bytesRead), to);
    return bytesRead;
  }
}

const codeOf = (error: unknown): string => (error as { code?: string }).code ?? '';
