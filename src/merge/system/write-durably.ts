import { open } from 'node:fs/promises';

/** Writes a file whose content is on disk on return; its name is only after syncFolder(). */
export async function writeDurably(path: string, content: string | Uint8Array): Promise<void> {
  const handle = await open(path, 'w');
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
