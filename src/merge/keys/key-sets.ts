/** Set operations on key sequences: pure, in ascending order, typed arrays where keys are integers. */
import { createHash } from 'node:crypto';
import { integersLike, type KeyIntegers, type KeyValue, type KeyValues } from './key-values.ts';

/** Tells two sequences apart: same values in the same order give the same digest. */
export function sequenceDigest(keys: KeyValues): string {
  const hash = createHash('sha256');
  if (keys.kind === 'integer') hash.update(bytesOf(keys.values));
  else for (const text of keys.values) hash.update(`${text.length}:`).update(text, 'latin1');
  return hash.digest('hex');
}

const bytesOf = (values: KeyIntegers): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

export function isAscending(keys: KeyValues): boolean {
  const { values } = keys;
  for (let i = 1; i < values.length; i++) if (values[i - 1]! >= values[i]!) return false;
  return true;
}

/** The keys in ascending order; the same object where they are already. */
export function sortKeys(keys: KeyValues): KeyValues {
  if (isAscending(keys)) return keys;
  if (keys.kind === 'integer') return { kind: 'integer', values: keys.values.toSorted() };
  return { kind: 'text', values: keys.values.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0)) };
}

/** A value that stands more than once in ascending keys, or null. */
export function findDuplicate(sorted: KeyValues): KeyValue | null {
  const { values } = sorted;
  for (let i = 1; i < values.length; i++) if (values[i - 1] === values[i]) return values[i]!;
  return null;
}

/** Union or intersection of two ascending sequences without duplicates. */
export function combineKeys(a: KeyValues, b: KeyValues, mode: 'union' | 'intersection'): KeyValues {
  if (a.kind === 'integer' && b.kind === 'integer') {
    const out = integersLike(a.values, mode === 'union' ? a.values.length + b.values.length : a.values.length);
    const length = combine(a.values, b.values, mode, (value, at) => (out[at] = value));
    return { kind: 'integer', values: length === out.length ? out : out.slice(0, length) };
  }
  if (a.kind === 'text' && b.kind === 'text') {
    const out: string[] = [];
    combine(a.values, b.values, mode, (value) => out.push(value));
    return { kind: 'text', values: out };
  }
  throw new Error('keys of two kinds are never combined');
}

function combine<T extends KeyValue>(
  a: ArrayLike<T>,
  b: ArrayLike<T>,
  mode: 'union' | 'intersection',
  put: (value: T, at: number) => void,
): number {
  let i = 0;
  let j = 0;
  let count = 0;
  while (i < a.length && j < b.length) {
    const left = a[i]!;
    const right = b[j]!;
    if (left === right) {
      put(left, count++);
      i++;
      j++;
    } else if (left < right) {
      if (mode === 'union') put(left, count++);
      i++;
    } else {
      if (mode === 'union') put(right, count++);
      j++;
    }
  }
  if (mode === 'union') {
    for (; i < a.length; i++) put(a[i]!, count++);
    for (; j < b.length; j++) put(b[j]!, count++);
  }
  return count;
}

/** For each spine row the row of `keys` with the same key, or -1. */
export function rowsOnSpine(spine: KeyValues, keys: KeyValues): Int32Array {
  const rowOf = new Int32Array(spine.values.length).fill(-1);
  if (isAscending(spine) && isAscending(keys)) {
    let row = 0;
    for (let position = 0; position < rowOf.length && row < keys.values.length; position++) {
      const wanted = spine.values[position]!;
      while (row < keys.values.length && keys.values[row]! < wanted) row++;
      if (keys.values[row] === wanted) rowOf[position] = row;
    }
    return rowOf;
  }
  const rows = new Map<KeyValue, number>();
  keys.values.forEach((key: KeyValue, row: number) => rows.set(key, row));
  spine.values.forEach((key: KeyValue, position: number) => (rowOf[position] = rows.get(key) ?? -1));
  return rowOf;
}
