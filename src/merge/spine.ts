/**
 * The spine: the output's keys in order, and which checkpoints have exactly them ("aligned").
 *
 * Key columns are compared by their raw bytes first, so that of hundreds of files with equal keys one is decoded.
 * The spine takes over a checkpoint's own sequence where one has all the wanted keys: then it, and all like it, are
 * copied and not rewritten. Among several, the one whose files hold the most bytes wins, so that the least is rewritten.
 */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { RowsMode } from '../contract.ts';
import { chooseLayout, cutRows } from './choose-layout.ts';
import { invalidCheckpoint, MergeFailure } from './errors.ts';
import { combineKeys, findDuplicate, sequenceDigest, sortKeys } from './key-sets.ts';
import {
  commonKeyType,
  concatKeys,
  decodeKeys,
  formatKey,
  keyCount,
  keyTypeOf,
  type KeyType,
  type KeyValues,
} from './keys.ts';
import { COLUMN_CHUNK, COLUMN_META } from './parquet/field-ids.ts';
import { findField, readStruct } from './parquet/thrift.ts';
import { readColumnValues } from './parquet/values.ts';
import type { Checkpoint, Spine } from './plan.ts';

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
): Promise<{ spine: Spine; aligned: boolean[]; sameKeys: boolean[] }> {
  const types = checkpoints.map(({ key, name }) => keyTypeOf(key, name));
  const type = commonKeyType(
    checkpoints.map(({ key, name }, i) => ({ type: types[i]!, file: name, column: key.name })),
  );
  const read = (checkpoint: Checkpoint): Promise<KeyValues> => readKeys(checkpoint, types[checkpoint.index]!, type);

  const byRawBytes = new Map<string, string>();
  const sequences = new Map<string, Sequence>();
  const sequenceOf: string[] = [];
  let wanted: KeyValues | null = null;
  const rawDigests = await rawKeyDigests(checkpoints, types);
  for (const checkpoint of checkpoints) {
    const raw = rawDigests[checkpoint.index]!;
    let digest = byRawBytes.get(raw);
    if (digest === undefined) {
      const keys = await read(checkpoint);
      digest = sequenceDigest(keys);
      byRawBytes.set(raw, digest);
      if (!sequences.has(digest)) {
        const sorted = sortKeys(keys);
        refuseDuplicates(sorted, checkpoint, type);
        sequences.set(digest, { example: checkpoint, rows: keyCount(keys) });
        if (rows !== 'reference') wanted = wanted === null ? sorted : combineKeys(wanted, sorted, rows);
      }
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
    return { spine: { keys: wanted, rowGroupRows: cut, source: null, type }, aligned: none, sameKeys: none };
  }
  const source = target.isOwn ? target.file : null;
  const sameKeys = sequenceOf.map((sequence) => sequence === sequenceOf[target.file]);
  const aligned = checkpoints.map(
    (checkpoint, i) => sameKeys[i]! && layoutOf(checkpoint) === target.rowGroupRows.join(','),
  );
  const keys = await read(checkpoints[target.file]!);
  return { spine: { keys, rowGroupRows: target.rowGroupRows, source, type }, aligned, sameKeys };
}

const layoutOf = (checkpoint: Checkpoint): string => checkpoint.footer.rowGroups.map((group) => group.rows).join(',');

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

function refuseDuplicates(sorted: KeyValues, checkpoint: Checkpoint, type: KeyType): void {
  const duplicate = findDuplicate(sorted);
  if (duplicate !== null)
    throw invalidCheckpoint(
      checkpoint.name,
      `has the key ${checkpoint.key.name} = ${formatKey(duplicate, type)} more than once; keep one row of each key`,
      checkpoint.key.name,
    );
}

/** All keys of a checkpoint, over its row groups, in the type `to`. */
export async function readKeys(checkpoint: Checkpoint, from: KeyType, to: KeyType): Promise<KeyValues> {
  const handle = await open(checkpoint.path, 'r');
  try {
    const parts: KeyValues[] = [];
    for (let group = 0; group < checkpoint.footer.rowGroups.length; group++) {
      const values = await readColumnValues(
        handle,
        checkpoint.fingerprint.size,
        checkpoint.footer,
        checkpoint.key,
        group,
        checkpoint.name,
      );
      parts.push(decodeKeys(values, from, to, { file: checkpoint.name, column: checkpoint.key.name }));
    }
    return concatKeys(parts);
  } finally {
    await handle.close();
  }
}

/** Key chunks read at a time, each into a buffer of its own that the next batch uses again. */
const PARALLEL_READS = 8;

async function rawKeyDigests(checkpoints: Checkpoint[], types: KeyType[]): Promise<string[]> {
  const buffers = Array.from({ length: PARALLEL_READS }, () => ({ bytes: Buffer.alloc(0) }));
  const digests: string[] = [];
  for (let start = 0; start < checkpoints.length; start += PARALLEL_READS) {
    const batch = checkpoints.slice(start, start + PARALLEL_READS);
    const read = batch.map((checkpoint, i) => rawKeyDigest(checkpoint, types[checkpoint.index]!, buffers[i]!));
    digests.push(...(await Promise.all(read)));
  }
  return digests;
}

/** Equal digests mean equal keys: the raw bytes of the key chunks, and all that their meaning depends on. */
async function rawKeyDigest(checkpoint: Checkpoint, type: KeyType, scratch: { bytes: Buffer }): Promise<string> {
  const { key, footer } = checkpoint;
  const hash = createHash('sha256');
  hash.update(JSON.stringify([type, key.physicalType, key.repetition, layoutOf(checkpoint)]));
  const handle = await open(checkpoint.path, 'r');
  try {
    for (const group of footer.rowGroups) {
      const chunk = group.chunks[key.firstLeaf]!;
      const meta = readStruct(findField(readStruct(chunk.raw), COLUMN_CHUNK.metaData)!.raw);
      const codec = findField(meta, COLUMN_META.codec)?.raw ?? new Uint8Array();
      hash.update(`${chunk.length}`).update(codec);
      if (scratch.bytes.length < chunk.length) scratch.bytes = Buffer.allocUnsafeSlow(chunk.length);
      const { bytesRead } = await handle.read(scratch.bytes, 0, chunk.length, chunk.start);
      if (bytesRead !== chunk.length)
        throw new MergeFailure('InputChanged', `${checkpoint.name}: became shorter while it was read`, {
          file: checkpoint.name,
        });
      hash.update(scratch.bytes.subarray(0, chunk.length));
    }
  } finally {
    await handle.close();
  }
  return hash.digest('hex');
}
