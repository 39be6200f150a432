/**
 * The spine: the output's keys in order, and which checkpoints have exactly them ("aligned").
 *
 * Key columns are compared by their raw bytes first, each by itself, so that of hundreds of files with equal keys one is
 * decoded, and of files that differ in one column of the key only that one.
 * The spine takes over a checkpoint's own sequence where one has all the wanted keys: then it, and all like it, are
 * copied and not rewritten. Among several, the one whose files hold the most bytes wins, so that the least is rewritten.
 */
import type { RowsMode } from '../contract.ts';
import { invalidCheckpoint, MergeFailure } from './errors.ts';
import { combineKeys, findDuplicate, sequenceDigest, sortKeys } from './key-sets.ts';
import { formatKeys, formatNames, packKeys } from './key-tuples.ts';
import { commonKeyType, keyCount, keyTypeOf, type KeyType, type KeyValues } from './keys.ts';
import { layoutOf, type Checkpoint, type Spine } from './plan.ts';
import { rawKeyDigests, readKeyColumn, readKeys } from './read-keys.ts';

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
): Promise<{ spine: Spine; aligned: boolean[] }> {
  const types = commonKeyTypes(checkpoints);
  // Per key column, from the digest of a file's bytes to that of the values.
  const decoded = types.map(() => new Map<string, string>());
  const sequences = new Map<string, Sequence>();
  const sequenceOf: string[] = [];
  let wanted: KeyValues | null = null;
  const rawDigests = await rawKeyDigests(checkpoints);
  for (const checkpoint of checkpoints) {
    const columns: KeyValues[] = [];
    const digests: string[] = [];
    for (const [i, raw] of rawDigests[checkpoint.index]!.entries()) {
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

  const target = chooseSequence(checkpoints, sequences, sequenceOf, rows, reference, wanted);
  if (target === null) {
    if (wanted === null || keyCount(wanted) === 0)
      throw new MergeFailure('CheckpointInvalid', 'no key is common to all checkpoints: the intersection has no rows');
    const spine = { keys: wanted, rowGroupRows: cutRows(keyCount(wanted)), source: null, types };
    return { spine, aligned: checkpoints.map(() => false) };
  }
  const aligned = checkpoints.map(
    (checkpoint, i) => sequenceOf[i] === sequenceOf[target.index] && layoutOf(checkpoint) === layoutOf(target),
  );
  const rowGroupRows = target.footer.rowGroups.map((group) => group.rows);
  return { spine: { keys: await readKeys(target, types), rowGroupRows, source: target.index, types }, aligned };
}

/** Per column of the key, the type in which its values of all files compare. */
function commonKeyTypes(checkpoints: Checkpoint[]): KeyType[] {
  return checkpoints[0]!.keys.map((_, i) =>
    commonKeyType(
      checkpoints.map(({ keys, name }) => ({ type: keyTypeOf(keys[i]!, name), file: name, column: keys[i]!.name })),
    ),
  );
}

/** The first of the checkpoints that have the wanted keys and, together, the most bytes; null where none has them. */
function chooseSequence(
  checkpoints: Checkpoint[],
  sequences: Map<string, Sequence>,
  sequenceOf: string[],
  rows: RowsMode,
  reference: string | null,
  wanted: KeyValues | null,
): Checkpoint | null {
  let accepted: (digest: string) => boolean;
  if (rows === 'reference') {
    const index = reference === null ? 0 : checkpoints.findIndex(({ name }) => name === reference);
    if (index < 0)
      throw new MergeFailure('CheckpointInvalid', `the reference ${reference} is not among the checkpoints`, {
        file: reference ?? undefined,
      });
    accepted = (digest) => digest === sequenceOf[index];
  } else {
    // A sequence is a subset of the union and a superset of the intersection: equal counts mean equal sets.
    accepted = (digest) => wanted !== null && sequences.get(digest)?.rows === keyCount(wanted);
  }
  const bytesOf = new Map<string, { first: Checkpoint; bytes: number }>();
  checkpoints.forEach((checkpoint, i) => {
    if (!accepted(sequenceOf[i]!)) return;
    const group = `${sequenceOf[i]!} ${layoutOf(checkpoint)}`;
    const entry = bytesOf.get(group) ?? { first: checkpoint, bytes: 0 };
    entry.bytes += checkpoint.fingerprint.size;
    bytesOf.set(group, entry);
  });
  let best: { first: Checkpoint; bytes: number } | null = null;
  for (const entry of bytesOf.values()) if (best === null || entry.bytes > best.bytes) best = entry;
  return best?.first ?? null;
}

function cutRows(rows: number): number[] {
  const groups: number[] = [];
  for (let rest = rows; rest > 0; rest -= NEW_ROW_GROUP_ROWS) groups.push(Math.min(rest, NEW_ROW_GROUP_ROWS));
  return groups;
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
