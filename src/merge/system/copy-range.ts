/**
 * Brings a range of one file into another: shares its blocks where the file system can (XFS, btrfs), else copies it
 * inside the kernel, else reads and writes it. Which of them worked is remembered for the output's next ranges.
 */
import type { FileHandle } from 'node:fs/promises';
import type { Segment } from '../parquet/layout.ts';
import { cloneRange, copyFileRange, SystemCallError } from './libc.ts';

/** Copied between two looks at the abort signal; about 50 ms of a slow disk. */
const STEP_BYTES = 32 * 1024 * 1024;

export interface CopyTarget {
  handle: FileHandle;
  blockBytes: number;
  /** The best way that is not known to fail on this output. */
  means: 'clone' | 'kernel' | 'buffer';
  bytesCloned: number;
  bytesCopied: number;
}

export interface CopySource {
  handle: FileHandle;
  size: number;
}

/** Throws the system's errors (ENOSPC and so on) with their code, and `signal.reason` when aborted. */
export async function copyRange(
  source: CopySource,
  target: CopyTarget,
  segment: Segment,
  signal: AbortSignal | undefined,
  onBytes: (bytes: number) => void,
): Promise<void> {
  signal?.throwIfAborted();
  if (target.means === 'clone' && tryClone(source, target, segment)) {
    target.bytesCloned += segment.length;
    onBytes(segment.length);
    return;
  }
  for (let done = 0; done < segment.length;) {
    signal?.throwIfAborted();
    const step = Math.min(STEP_BYTES, segment.length - done);
    const copied = await copyStep(source, target, segment.start + done, segment.target + done, step);
    if (copied === 0) throw new SystemCallError('copy', 'unexpected end of file');
    done += copied;
    target.bytesCopied += copied;
    onBytes(copied);
  }
}

function tryClone(source: CopySource, target: CopyTarget, { start, length, target: to }: Segment): boolean {
  const { blockBytes } = target;
  const lead = start % blockBytes;
  const from = start - lead;
  const end = Math.min(Math.ceil((start + length) / blockBytes) * blockBytes, source.size);
  if (to % blockBytes !== lead) return false;
  try {
    cloneRange(source.handle.fd, from, target.handle.fd, to - lead, end - from);
    return true;
  } catch (error) {
    const code = codeOf(error);
    // Another file system, one without clones, or a range that it will not share: the kernel copies instead.
    if (code === 'EINVAL') return false;
    if (['EOPNOTSUPP', 'ENOTSUP', 'ENOTTY', 'ENOSYS', 'EXDEV', 'EPERM', 'ETXTBSY'].includes(code)) {
      target.means = 'kernel';
      return false;
    }
    throw error;
  }
}

async function copyStep(
  source: CopySource,
  target: CopyTarget,
  from: number,
  to: number,
  length: number,
): Promise<number> {
  if (target.means !== 'buffer')
    try {
      const copied = copyFileRange(source.handle.fd, from, target.handle.fd, to, length);
      // Lets timers and the end of standard input be seen between two steps of a long copy.
      await new Promise((resolve) => setImmediate(resolve));
      if (copied > 0) return copied;
    } catch (error) {
      if (!['EXDEV', 'EOPNOTSUPP', 'ENOTSUP', 'ENOSYS', 'EINVAL', 'EPERM'].includes(codeOf(error))) throw error;
      target.means = 'buffer';
    }
  const buffer = Buffer.allocUnsafe(Math.min(length, 4 * 1024 * 1024));
  const { bytesRead } = await source.handle.read(buffer, 0, buffer.length, from);
  await writeFully(target.handle, buffer.subarray(0, bytesRead), to);
  return bytesRead;
}

/** Writes all of `bytes`, however the system cuts it: a full disk writes a part first and fails at the next call. */
export async function writeFully(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, written, bytes.length - written, position + written);
    written += bytesWritten;
  }
}

const codeOf = (error: unknown): string => (error as { code?: string }).code ?? '';
