import { createHash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { MergeFailure } from './errors.ts';
import { packKeys } from './key-tuples.ts';
import { concatKeys, decodeKeys, keyTypeOf, type KeyType, type KeyValues } from './keys.ts';
import { codecOf } from './parquet/physical-view.ts';
import type { Column } from './parquet/schema.ts';
import { readColumnValues } from './parquet/values.ts';
import { layoutOf, type Checkpoint } from './plan.ts';

/** All keys of a checkpoint, over its row groups, in the types of the spine. Throws CheckpointInvalid. */
export async function readKeys(checkpoint: Checkpoint, types: KeyType[]): Promise<KeyValues> {
  const columns: KeyValues[] = [];
  for (const [i, type] of types.entries()) columns.push(await readKeyColumn(checkpoint, checkpoint.keys[i]!, type));
  return packKeys(columns);
}

/** One key column, over all row groups, in the type `to`. Throws CheckpointInvalid. */
export async function readKeyColumn(checkpoint: Checkpoint, key: Column, to: KeyType): Promise<KeyValues> {
  const { path, name, fingerprint, footer } = checkpoint;
  const from = keyTypeOf(key, name);
  const handle = await open(path, 'r');
  try {
    const parts: KeyValues[] = [];
    for (let group = 0; group < footer.rowGroups.length; group++) {
      const values = await readColumnValues(handle, fingerprint.size, footer, key, group, name);
      parts.push(decodeKeys(values, from, to, { file: name, column: key.name }));
    }
    return concatKeys(parts);
  } finally {
    await handle.close();
  }
}

/** Key chunks read at a time, each into a buffer of its own that the next batch uses again. */
const PARALLEL_READS = 8;

/** Per checkpoint, a digest of each of its key columns: equal digests of one column mean equal values in it. */
export async function rawKeyDigests(checkpoints: Checkpoint[]): Promise<string[][]> {
  const buffers = Array.from({ length: PARALLEL_READS }, () => ({ bytes: Buffer.alloc(0) }));
  const digests: string[][] = [];
  for (let start = 0; start < checkpoints.length; start += PARALLEL_READS) {
    const batch = checkpoints.slice(start, start + PARALLEL_READS);
    digests.push(...(await Promise.all(batch.map((checkpoint, i) => digestsOf(checkpoint, buffers[i]!)))));
  }
  return digests;
}

async function digestsOf(checkpoint: Checkpoint, scratch: { bytes: Buffer }): Promise<string[]> {
  const handle = await open(checkpoint.path, 'r');
  try {
    const digests: string[] = [];
    for (const key of checkpoint.keys) digests.push(await rawKeyDigest(handle, checkpoint, key, scratch));
    return digests;
  } finally {
    await handle.close();
  }
}

/** Of the raw bytes of a key column's chunks, and of all that their meaning depends on. */
async function rawKeyDigest(
  handle: FileHandle,
  checkpoint: Checkpoint,
  key: Column,
  scratch: { bytes: Buffer },
): Promise<string> {
  const hash = createHash('sha256');
  const type = keyTypeOf(key, checkpoint.name);
  hash.update(JSON.stringify([type, key.physicalType, key.repetition, layoutOf(checkpoint)]));
  for (const { chunks } of checkpoint.footer.rowGroups) {
    const chunk = chunks[key.firstLeaf]!;
    hash.update(`${chunk.length} ${codecOf(chunk)} `);
    if (scratch.bytes.length < chunk.length) scratch.bytes = Buffer.allocUnsafeSlow(chunk.length);
    const { bytesRead } = await handle.read(scratch.bytes, 0, chunk.length, chunk.start);
    if (bytesRead !== chunk.length)
      throw new MergeFailure('InputChanged', `${checkpoint.name}: became shorter while it was read`, {
        file: checkpoint.name,
      });
    hash.update(scratch.bytes.subarray(0, chunk.length));
  }
  return hash.digest('hex');
}
