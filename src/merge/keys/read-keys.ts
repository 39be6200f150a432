import { MergeFailure } from '../errors.ts';
import { packKeys } from './key-tuples.ts';
import { concatKeys, decodeKeys, keyTypeOf, type KeyType, type KeyValues } from './key-values.ts';
import type { Chunk } from '../parquet/footer.ts';
import { codecOf } from '../parquet/physical-view.ts';
import type { Column } from '../parquet/schema.ts';
import { readColumnValues } from '../parquet/values.ts';
import { layoutOf, type Checkpoint } from '../plan.ts';
import { RawForms } from './raw-forms.ts';
import { expectRanges, NearbyFile } from '../system/nearby-file.ts';
import { Scratch } from '../system/scratch.ts';

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
  using file = new NearbyFile(path);
  const parts: KeyValues[] = [];
  for (let group = 0; group < footer.rowGroups.length; group++) {
    const values = await readColumnValues(file, fingerprint.size, footer, key, group, name);
    parts.push(decodeKeys(values, from, to, { file: name, column: key.name }));
  }
  return concatKeys(parts);
}

/** Tells key columns apart by their stored bytes. */
export class RawKeys {
  /** Per checkpoint, in the order in which they were added, an id of each of its key columns: equal ids of one column mean equal values in it. */
  readonly ids: string[][] = [];
  private readonly forms = new RawForms();
  private readonly scratch = new Scratch();
  private expected: Checkpoint[] = [];

  /**
   * Has the disk read the keys of these, and meanwhile looks at those that were added before. Throws CheckpointInvalid for a key of a type that
   * cannot be one, and InputChanged.
   */
  add(checkpoints: Checkpoint[]): void {
    for (const checkpoint of checkpoints)
      expectRanges(
        checkpoint.path,
        checkpoint.keys.flatMap((key) => chunksOf(checkpoint, key)),
      );
    this.finish();
    this.expected = checkpoints;
  }

  /** Looks at those that were added last. */
  finish(): void {
    for (const checkpoint of this.expected.splice(0)) this.ids.push(idsOf(checkpoint, this.forms, this.scratch));
  }
}

function idsOf(checkpoint: Checkpoint, forms: RawForms, scratch: Scratch): string[] {
  using file = new NearbyFile(checkpoint.path);
  const ids: string[] = [];
  for (const key of checkpoint.keys)
    ids.push(forms.idOf(describeStored(checkpoint, key), readChunks(file, checkpoint, key, scratch)));
  return ids;
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
function readChunks(file: NearbyFile, checkpoint: Checkpoint, key: Column, scratch: Scratch): Buffer {
  const { name } = checkpoint;
  const bytes = scratch.take(storedBytes(checkpoint, key), chunksOf(checkpoint, key)[0]?.start ?? 0);
  let at = 0;
  for (const { start, length } of chunksOf(checkpoint, key)) {
    if (file.fill(bytes.subarray(at, at + length), start) !== length)
      throw new MergeFailure('InputChanged', `${name}: became shorter while it was read`, { file: name });
    at += length;
  }
  return bytes;
}
