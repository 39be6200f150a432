import { open } from 'node:fs/promises';
import { invalidCheckpoint } from '../errors.ts';
import { formatNames, packKeys, wordsOf } from '../keys/key-tuples.ts';
import {
  concatKeys,
  decodeKeys,
  keyTypeOf,
  type KeyIntegers,
  type KeyType,
  type KeyValues,
} from '../keys/key-values.ts';
import type { Footer } from '../parquet/footer.ts';
import type { Column } from '../parquet/schema.ts';
import { readColumnValues } from '../parquet/values.ts';
import type { Checkpoint } from '../plan.ts';
import type { ReadableFile } from '../system/disk-file.ts';

/** Decodes the columns of a key over all row groups, as keys of the types `to`. Throws CheckpointInvalid. */
export async function readAllKeys(
  handle: ReadableFile,
  footer: Footer,
  columns: Column[],
  to: KeyType[],
  name: string,
): Promise<KeyValues> {
  const { size } = await handle.stat();
  const read: KeyValues[] = [];
  for (const [i, column] of columns.entries()) {
    const from = keyTypeOf(column, name);
    const parts: KeyValues[] = [];
    for (let group = 0; group < footer.rowGroups.length; group++) {
      const values = await readColumnValues(handle, size, footer, column, group, name);
      parts.push(decodeKeys(values, from, to[i]!, { file: name, column: column.name }));
    }
    read.push(concatKeys(parts));
  }
  return packKeys(read);
}

/** For each row of the spine the checkpoint's row, or -1; looked up anew, not by the code that aligned. */
export async function lookUpRows(checkpoint: Checkpoint, spine: KeyValues, types: KeyType[]): Promise<Int32Array> {
  const handle = await open(checkpoint.path, 'r');
  try {
    const { footer, keys: columns, name } = checkpoint;
    const keys = await readAllKeys(handle, footer, columns, types, name);
    if (firstDifference(keys, spine) === null) return Int32Array.from({ length: keys.values.length }, (_, row) => row);
    const key = formatNames(columns.map((column) => column.name));
    const duplicate = (row: number): Error => invalidCheckpoint(name, `its key ${key} repeats in row ${row + 1}`, key);
    return keys.kind === 'integer' && spine.kind === 'integer'
      ? lookUpIntegers(keys.values, spine.values, duplicate)
      : lookUpTexts(keys.values as string[], spine.values as string[], duplicate);
  } finally {
    await handle.close();
  }
}

/** The first row in which two key columns differ, the length included; null where they are equal. */
export function firstDifference(a: KeyValues, b: KeyValues): number | null {
  const length = Math.min(a.values.length, b.values.length);
  if (a.kind === 'integer' && b.kind === 'integer') {
    // 32-bit halves: no BigInt is made per row.
    const [x, y] = [wordsOf(a.values), wordsOf(b.values)];
    for (let i = 0; i < 2 * length; i++) if (x[i] !== y[i]) return i >> 1;
  } else for (let i = 0; i < length; i++) if (a.values[i] !== b.values[i]) return i;
  return a.values.length === b.values.length ? null : length;
}

/** A hash table with open addressing over the halves of the keys: a Map of BigInts is ten times as slow. */
function lookUpIntegers(keys: KeyIntegers, wanted: KeyIntegers, duplicate: (row: number) => Error): Int32Array {
  const mask = 2 ** Math.ceil(Math.log2(Math.max(keys.length, 1) * 2)) - 1;
  const table = new Int32Array(mask + 1);
  const [from, to] = [wordsOf(keys), wordsOf(wanted)];
  const slotOf = (low: number, high: number): number => {
    let slot = hash(low, high) & mask;
    for (let row; (row = table[slot]!) !== 0; slot = (slot + 1) & mask)
      if (from[2 * row - 2] === low && from[2 * row - 1] === high) break;
    return slot;
  };
  for (let row = 0; row < keys.length; row++) {
    const slot = slotOf(from[2 * row]!, from[2 * row + 1]!);
    if (table[slot] !== 0) throw duplicate(row);
    table[slot] = row + 1;
  }
  const rowOf = new Int32Array(wanted.length);
  for (let i = 0; i < rowOf.length; i++) rowOf[i] = table[slotOf(to[2 * i]!, to[2 * i + 1]!)]! - 1;
  return rowOf;
}

function hash(low: number, high: number): number {
  let h = Math.imul(low, 0x9e3779b1) ^ Math.imul(high, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 15), 0xc2b2ae35);
  return (h ^ (h >>> 13)) >>> 0;
}

function lookUpTexts(keys: string[], wanted: string[], duplicate: (row: number) => Error): Int32Array {
  const rows = new Map<string, number>();
  for (const [row, key] of keys.entries()) {
    if (rows.has(key)) throw duplicate(row);
    rows.set(key, row);
  }
  return Int32Array.from(wanted, (key) => rows.get(key) ?? -1);
}
