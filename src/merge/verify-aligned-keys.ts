import { open, type FileHandle } from 'node:fs/promises';
import { codecOf } from './parquet/physical-view.ts';
import { readChunkBytes } from './parquet/values.ts';
import type { Checkpoint, MergePlan } from './plan.ts';
import { describeType } from './parquet/logical.ts';
import { mismatch } from './verify-footer.ts';
import { firstDifference, readAllKeys } from './verify-keys.ts';

/** Files of one writer share their key chunks' bytes; this many different forms are remembered. */
const KNOWN_FORMS = 4;

/**
 * Checks that the keys of each checkpoint whose chunks were taken over are those of the spine. Keys whose stored bytes
 * are those of keys that were decoded before are not decoded again.
 */
export async function checkAlignedKeys({ spine }: MergePlan, checkpoints: Checkpoint[]): Promise<void> {
  const known: { form: string; bytes: Buffer[] }[] = [];
  for (const checkpoint of checkpoints) {
    const handle = await open(checkpoint.path, 'r');
    try {
      const form = formOf(checkpoint);
      const bytes = await readKeyChunks(handle, checkpoint);
      if (known.some((other) => other.form === form && sameBytes(other.bytes, bytes))) continue;
      const keys = await readAllKeys(handle, checkpoint.footer, checkpoint.key, spine.type, checkpoint.name);
      const row = firstDifference(keys, spine.keys);
      if (row !== null) throw mismatch(`its rows are not those of ${checkpoint.name} from row ${row + 1} on`);
      known.unshift({ form, bytes });
      known.length = Math.min(known.length, KNOWN_FORMS);
    } finally {
      await handle.close();
    }
  }
}

/** All that the meaning of stored key bytes depends on, beside themselves. */
function formOf({ footer, key }: Checkpoint): string {
  const codecs = footer.rowGroups.map(({ rows, chunks }) => [rows, codecOf(chunks[key.firstLeaf]!)]);
  return JSON.stringify([describeType(key), key.repetition, codecs]);
}

async function readKeyChunks(handle: FileHandle, { footer, key, name }: Checkpoint): Promise<Buffer[]> {
  const chunks: Buffer[] = [];
  for (const group of footer.rowGroups)
    chunks.push(await readChunkBytes(handle, group.chunks[key.firstLeaf]!, key, name));
  return chunks;
}

const sameBytes = (a: Buffer[], b: Buffer[]): boolean =>
  a.length === b.length && a.every((bytes, i) => bytes.equals(b[i]!));
