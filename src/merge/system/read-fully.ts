import type { FileHandle } from 'node:fs/promises';

/** Fills `buffer` from `position` on, however the system cuts it. Returns how many bytes there were before the end. */
export async function readFully(handle: FileHandle, buffer: Uint8Array, position: number): Promise<number> {
  let done = 0;
  while (done < buffer.length) {
    const { bytesRead } = await handle.read(buffer, done, buffer.length - done, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}
