import { readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { CleanReceipt } from './job.ts';
import type { Manifest } from './manifest.ts';
import { syncFolder } from './system/sync-folder.ts';
import { writeDurably } from './system/write-durably.ts';
import { receiptPath } from './workspace.ts';

/**
 * Leaves a receipt beside the manifest: which of its checkpoints are gone, by whatever attempt, and how they come back. The same state
 * gives the same receipt. It is a courtesy: where it cannot be written, the cleaning has been done all the same.
 */
export async function leaveReceipt(
  outputPath: string,
  { id }: Manifest,
  { mode, keptFiles, kept, restore }: CleanReceipt,
  gone: { files: number; bytes: number },
): Promise<void> {
  if (gone.files === 0) return;
  const path = receiptPath(outputPath);
  const facts = { version: 1, id, mode, removed: gone, keptFiles, kept, restore };
  try {
    const before = await readFile(path, 'utf8').then(
      (text) => JSON.parse(text) as object,
      () => null,
    );
    if (before !== null && JSON.stringify({ ...before, at: undefined }) === JSON.stringify(facts)) return;
    await writeDurably(`${path}.tmp`, `${JSON.stringify({ ...facts, at: new Date().toISOString() })}\n`);
    await rename(`${path}.tmp`, path);
    await syncFolder(dirname(path));
  } catch {
    return;
  }
}
