import { open, type FileHandle } from 'node:fs/promises';
import { MergeFailure } from './errors.ts';
import { packKeys } from './key-tuples.ts';
import { concatKeys, decodeKeys, keyTypeOf, type KeyType, type KeyValues } from './keys.ts';
import type { Chunk } from './parquet/footer.ts';
import { codecOf } from './parquet/physical-view.ts';
import type { Column } from './parquet/schema.ts';
import { readColumnValues } from './parquet/values.ts';
import { layoutOf, type Checkpoint } from './plan.ts';
import { RawForms } from './raw-forms.ts';
import { readFully } from './system/read-fully.ts';

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

/** Key columns read at a time, each into a buffer of its own that the next batch uses again; fewer where they are long. */
const PARALLEL_READS = 8;
const BUFFERS_BYTES = 32 * 1024 * 1024;

/** Per checkpoint, an id of each of its key columns: equal ids of one column mean equal values in it. */
export async function rawKeyIds(checkpoints: Checkpoint[]): Promise<string[][]> {
  const longest = checkpoints.reduce(
    (most, checkpoint) => Math.max(most, ...checkpoint.keys.map((key) => storedBytes(checkpoint, key))),
    1,
  );
  const atOnce = Math.min(PARALLEL_READS, Math.max(1, Math.floor(BUFFERS_BYTES / longest)));
  const buffers = Array.from({ length: atOnce }, () => ({ bytes: Buffer.alloc(0) }));
  const forms = new RawForms();
  const ids: string[][] = [];
  for (let start = 0; start < checkpoints.length; start += atOnce) {
    const batch = checkpoints.slice(start, start + atOnce);
    ids.push(...(await Promise.all(batch.map((checkpoint, i) => idsOf(checkpoint, forms, buffers[i]!)))));
  }
  return ids;
}

async function idsOf(checkpoint: Checkpoint, forms: RawForms, scratch: { bytes: Buffer }): Promise<string[]> {
  const handle = await open(checkpoint.path, 'r');
  try {
    const ids: string[] = [];
    for (const key of checkpoint.keys)
      ids.push(forms.idOf(describeStored(checkpoint, key), await readChunks(handle, checkpoint, key, scratch)));
    return ids;
  } finally {
    await handle.close();
  }
}

/** All that the meaning of a key column's raw bytes depends on. */
function describeStored(checkpoint: Checkpoint, key: Column): string {
  const stored = chunksOf(checkpoint, key).map((chunk) => [chunk.length, codecOf(chunk)]);
  const type = keyTypeOf(key, checkpoint.name);
  return JSON.stringify([type, key.physicalType, key.repetition, layoutOf(checkpoint), stored]);
}

const chunksOf = ({ footer }: Checkpoint, key: Column): Chunk[] =>
  footer.rowGroups.map(({ chunks }) => chunks[key.firstLeaf]!);

const storedBytes = (checkpoint: Checkpoint, key: Column): number =>
  chunksOf(checkpoint, key).reduce((sum, { length }) => sum + length, 0);

/** The raw bytes of a key column's chunks, one behind the other, in `scratch`. */
async function readChunks(
  handle: FileHandle,
  checkpoint: Checkpoint,
  key: Column,
  scratch: { bytes: Buffer },
): Promise<Buffer> {
  const { name } = checkpoint;
  const total = storedBytes(checkpoint, key);
  if (scratch.bytes.length < total) scratch.bytes = Buffer.allocUnsafeSlow(total);
  let at = 0;
  for (const { start, length } of chunksOf(checkpoint, key)) {
    const read = await readFully(handle, scratch.bytes.subarray(at, at + length), start);
    if (read !== length)
      throw new MergeFailure('InputChanged', `${name}: became shorter while it was read`, { file: name });
    at += length;
  }
  return scratch.bytes.subarray(0, total);
}
