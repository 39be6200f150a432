import { open } from 'node:fs/promises';

/** Turns one bit of a file over; done twice, nothing has happened. */
export async function flipBit(path: string, position: number, bit = 0): Promise<void> {
  const handle = await open(path, 'r+');
  try {
    const byte = Buffer.alloc(1);
    await handle.read(byte, 0, 1, position);
    byte[0]! ^= 1 << bit;
    await handle.write(byte, 0, 1, position);
  } finally {
    await handle.close();
  }
}
