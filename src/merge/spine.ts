/**
 * The spine: the output's keys in order, and which checkpoints have exactly them ("aligned").
 *
 * Key columns are compared by their raw bytes first, each by itself, so that of hundreds of files with equal keys one is
 * decoded, and of files that differ in one column of the key only that one.
 * The spine takes over a checkpoint's own sequence where one has all the wanted keys: then it, and all like it, are
 * copied and not rewritten. Among several, the one whose files hold the most bytes wins, so that the least is rewritten.
 */
import type { RowsMode } from '../contract.ts';
import { chooseLayout, cutRows } from './choose-layout.ts';
import { invalidCheckpoint, MergeFailure } from './errors.ts';
import { combineKeys, findDuplicate, sequenceDigest, sortKeys } from './keys/key-sets.ts';
import { formatKeys, formatNames, packKeys } from './keys/key-tuples.ts';
import { commonKeyType, keyCount, keyTypeOf, type KeyType, type KeyValues } from './keys/key-values.ts';
import { layoutOf, type Checkpoint, type Spine } from './plan.ts';
import { readKeyColumn, readKeys } from './keys/read-keys.ts';

/** Row groups of a spine that no checkpoint has are cut at this many rows: what pyarrow does by default. */
const NEW_ROW_GROUP_ROWS = 1_048_576;

interface Sequence {
  /** A checkpoint that has this sequence; decoded again when needed, so that memory holds one at a time. */
  example: Checkpoint;
  rows: number;
}

export async function buildSpine(
  checkpoints: Checkpoint[],
  rows: RowsMode,
  reference: string | null,
  rowGroupRows: number | null,
  /** Of RawKeys. */
  rawIds: string[][],
): Promise<{ spine: Spine; aligned: boolean[]; sameKeys: boolean[] }> {
  const types = commonKeyTypes(checkpoints);
  // Per key column, from the digest of a file's bytes to that of the values.
  const decoded = types.map(() => new Map<string, string>());
  const sequences = new Map<string, Sequence>();
  const sequenceOf: string[] = [];
  let wanted: KeyValues | null = null;
  for (const checkpoint of checkpoints) {
    const columns: KeyValues[] = [];
    const digests: string[] = [];
    for (const [i, raw] of rawIds[checkpoint.index]!.entries()) {
      let digest = decoded[i]!.get(raw);
      if (digest === undefined) {
        columns[i] = await readKeyColumn(checkpoint, checkpoint.keys[i]!, types[i]!);
        digest = sequenceDigest(columns[i]);
        decoded[i]!.set(raw, digest);
      }
      digests.push(digest);
    }
    const digest = digests.join(' ');
    if (!sequences.has(digest)) {
      // What other files share with this one in some columns only has been read before, and was not kept.
      for (const [i, type] of types.entries())
        columns[i] ??= await readKeyColumn(checkpoint, checkpoint.keys[i]!, type);
      const keys = packKeys(columns);
      const sorted = sortKeys(keys);
      refuseDuplicates(sorted, checkpoint, types);
      sequences.set(digest, { example: checkpoint, rows: keyCount(keys) });
      if (rows !== 'reference') wanted = wanted === null ? sorted : combineKeys(wanted, sorted, rows);
    }
    sequenceOf.push(digest);
  }

  const target = chooseLayout(
    checkpoints.map((checkpoint, i) => ({
      sequence: sequenceOf[i]!,
      rowGroupRows: checkpoint.footer.rowGroups.map((group) => group.rows),
      bytes: checkpoint.fingerprint.size,
    })),
    acceptedSequences(checkpoints, sequences, sequenceOf, rows, reference, wanted),
    rowGroupRows,
  );
  if (target === null) {
    if (wanted === null || keyCount(wanted) === 0)
      throw new MergeFailure('CheckpointInvalid', 'no key is common to all checkpoints: the intersection has no rows');
    const cut = cutRows(keyCount(wanted), rowGroupRows ?? NEW_ROW_GROUP_ROWS);
    const none = checkpoints.map(() => false);
    return { spine: { keys: wanted, rowGroupRows: cut, source: null, types }, aligned: none, sameKeys: none };
  }
  const source = target.isOwn ? target.file : null;
  const sameKeys = sequenceOf.map((sequence) => sequence === sequenceOf[target.file]);
  const aligned = checkpoints.map(
    (checkpoint, i) => sameKeys[i]! && layoutOf(checkpoint) === target.rowGroupRows.join(','),
  );
  const keys = await readKeys(checkpoints[target.file]!, types);
  return { spine: { keys, rowGroupRows: target.rowGroupRows, source, types }, aligned, sameKeys };
}

/** Per column of the key, the type in which its values of all files compare. */
function commonKeyTypes(checkpoints: Checkpoint[]): KeyType[] {
  return checkpoints[0]!.keys.map((_, i) =>
    commonKeyType(
      checkpoints.map(({ keys, name }) => ({ type: keyTypeOf(keys[i]!, name), file: name, column: keys[i]!.name })),
    ),
  );
}

/** Whether the files of a sequence have the wanted keys, and no others. */
function acceptedSequences(
  checkpoints: Checkpoint[],
  sequences: Map<string, Sequence>,
  sequenceOf: string[],
  rows: RowsMode,
  reference: string | null,
  wanted: KeyValues | null,
): (sequence: string) => boolean {
  if (rows === 'reference') {
    const index = reference === null ? 0 : checkpoints.findIndex(({ name }) => name === reference);
    if (index < 0)
      throw new MergeFailure('CheckpointInvalid', `the reference ${reference} is not among the checkpoints`, {
        file: reference ?? undefined,
      });
    return (sequence) => sequence === sequenceOf[index];
  }
  // A sequence is a subset of the union and a superset of the intersection: equal counts mean equal sets.
  return (sequence) => wanted !== null && sequences.get(sequence)?.rows === keyCount(wanted);
}

function refuseDuplicates(sorted: KeyValues, { name, keys }: Checkpoint, types: KeyType[]): void {
  const duplicate = findDuplicate(sorted);
  if (duplicate === null) return;
  const key = formatNames(keys.map((column) => column.name));
  throw invalidCheckpoint(
    name,
    `has the key ${key} = ${formatKeys(duplicate, types)} more than once; keep one row of each key`,
    key,
  );
}
