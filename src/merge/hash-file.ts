import type { Hash } from 'node:crypto';
import { open } from 'node:fs/promises';

const BUFFER_BYTES = 1024 * 1024;

/** Adds the first `size` bytes of a file to a hash and returns how many there were. Memory: two buffers of 1 MiB. */
export async function hashFile(
  path: string,
  size: number,
  hash: Hash,
  { onBytes, signal }: { onBytes: (bytes: number) => void; signal: AbortSignal | undefined },
): Promise<number> {
  const handle = await open(path, 'r');
  try {
    let [current, next] = [Buffer.allocUnsafeSlow(BUFFER_BYTES), Buffer.allocUnsafeSlow(BUFFER_BYTES)];
    let at = 0;
    const read = async (buffer: Buffer, from: number): Promise<number> =>
      (await handle.read(buffer, 0, Math.min(BUFFER_BYTES, size - from), from)).bytesRead;
    for (let bytes = await read(current, at); bytes > 0; [current, next] = [next, current]) {
      signal?.throwIfAborted();
      // The disk reads on while this thread hashes.
      const reading = read(next, at + bytes);
      hash.update(current.subarray(0, bytes));
      at += bytes;
      onBytes(bytes);
      bytes = await reading;
    }
    return at;
  } finally {
    await handle.close();
  }
}
