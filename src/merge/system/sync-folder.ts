import { open } from 'node:fs/promises';

/** Makes the names in a folder durable: a rename or link is on disk only after this. */
export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
