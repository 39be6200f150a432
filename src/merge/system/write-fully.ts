import type { FileHandle } from 'node:fs/promises';

/** Writes all of `bytes`, however the system cuts it: a full disk writes a part first and fails at the next call. */
export async function writeFully(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, written, bytes.length - written, position + written);
    written += bytesWritten;
  }
}
