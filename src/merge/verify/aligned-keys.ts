import { codecOf } from '../parquet/physical-view.ts';
import { invalidCheckpoint } from '../errors.ts';
import type { Checkpoint, MergePlan } from '../plan.ts';
import type { Chunk } from '../parquet/footer.ts';
import { describeType } from '../parquet/logical.ts';
import type { Column } from '../parquet/schema.ts';
import { expectRanges, NearbyFile } from '../system/nearby-file.ts';
import { Scratch } from '../system/scratch.ts';
import { takeTurn } from '../system/take-turn.ts';
import { mismatch } from './footer.ts';
import { firstDifference, readAllKeys } from './output-keys.ts';

/** Files of one writer share their key chunks' bytes; this many different forms are remembered, a few MB in all. */
const KNOWN_FORMS = 32;
/** Files whose keys the disk is asked for at a time. */
const READ_AHEAD = 16;

/**
 * Checks that the keys of each checkpoint whose chunks were taken over are those of the spine. Keys whose stored bytes
 * are those of keys that were decoded before are not decoded again. Throws OutputMismatch, CheckpointInvalid, and the signal's reason.
 */
export async function checkAlignedKeys(
  { spine }: MergePlan,
  checkpoints: Checkpoint[],
  signal?: AbortSignal,
): Promise<void> {
  const known: { form: string; bytes: Buffer }[] = [];
  // One buffer for all files: hundreds of key chunks would pile up until the next garbage collection.
  const scratch = new Scratch();
  for (const [i, checkpoint] of checkpoints.entries()) {
    signal?.throwIfAborted();
    if (i % READ_AHEAD === 0)
      for (const next of checkpoints.slice(i, i + READ_AHEAD))
        expectRanges(
          next.path,
          keyChunks(next).map(({ chunk }) => chunk),
        );
    using file = new NearbyFile(checkpoint.path);
    const form = formOf(checkpoint);
    const bytes = scratch.take(keyLength(checkpoint), keyChunks(checkpoint)[0]?.chunk.start ?? 0);
    readKeyChunks(file, checkpoint, bytes);
    await takeTurn();
    if (known.some((other) => other.form === form && other.bytes.equals(bytes))) continue;
    const keys = await readAllKeys(file, checkpoint.footer, checkpoint.keys, spine.types, checkpoint.name);
    const row = firstDifference(keys, spine.keys);
    if (row !== null) throw mismatch(`its rows are not those of ${checkpoint.name} from row ${row + 1} on`);
    known.unshift({ form, bytes: Buffer.from(bytes) });
    known.length = Math.min(known.length, KNOWN_FORMS);
  }
}

/** All that the meaning of stored key bytes depends on, beside themselves. */
function formOf(checkpoint: Checkpoint): string {
  const columns = checkpoint.keys.map((key) => [describeType(key), key.repetition]);
  return JSON.stringify([
    columns,
    keyChunks(checkpoint).map(({ rows, chunk }) => [rows, chunk.length, codecOf(chunk)]),
  ]);
}

/** Of all columns of the key, row group by row group, and the rows of each. */
const keyChunks = ({ footer, keys }: Checkpoint): { key: Column; chunk: Chunk; rows: number }[] =>
  footer.rowGroups.flatMap(({ rows, chunks }) => keys.map((key) => ({ key, chunk: chunks[key.firstLeaf]!, rows })));

const keyLength = (checkpoint: Checkpoint): number =>
  keyChunks(checkpoint).reduce((sum, { chunk }) => sum + chunk.length, 0);

/** Reads the key chunks of all row groups into `target`, one behind the other. */
function readKeyChunks(file: NearbyFile, checkpoint: Checkpoint, target: Buffer): void {
  let at = 0;
  for (const { key, chunk } of keyChunks(checkpoint)) {
    if (file.fill(target.subarray(at, at + chunk.length), chunk.start) !== chunk.length)
      throw invalidCheckpoint(checkpoint.name, `became shorter while its keys were read`, key.name);
    at += chunk.length;
  }
}
