import type { ReadableFile } from './disk-file.ts';

/** Fills `buffer` from `position` on, however the system cuts it. Returns how many bytes there were before the end. */
export async function readFully(file: ReadableFile, buffer: Buffer, position: number): Promise<number> {
  let done = 0;
  while (done < buffer.length) {
    const { bytesRead } = await file.read(buffer, done, buffer.length - done, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}
