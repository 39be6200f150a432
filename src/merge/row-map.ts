import { rowsOnSpine } from './keys/key-sets.ts';
import { wordsOf } from './keys/key-tuples.ts';
import type { KeyValues } from './keys/key-values.ts';

/**
 * Finds the rows of checkpoints on a spine: for each row of the spine the row of `keys` with the same key, or -1. Integers are
 * looked up by their 32-bit halves in a table of the spine that is made once for all checkpoints; a Map of BigInts takes ten
 * times as long.
 */
export function rowMapper(spine: KeyValues): (keys: KeyValues) => Int32Array {
  if (spine.kind !== 'integer') return (keys) => rowsOnSpine(spine, keys);
  const wanted = wordsOf(spine.values);
  const rows = spine.values.length;
  const mask = 2 ** Math.ceil(Math.log2(Math.max(rows, 1) * 2)) - 1;
  /** Rows of the spine, counted from 1; 0 is a free place. */
  const table = new Int32Array(mask + 1);
  const placeOf = (low: number, high: number): number => {
    let place = spread(low, high) & mask;
    for (let row; (row = table[place]!) !== 0; place = (place + 1) & mask)
      if (wanted[2 * row - 2] === low && wanted[2 * row - 1] === high) break;
    return place;
  };
  for (let row = 0; row < rows; row++) table[placeOf(wanted[2 * row]!, wanted[2 * row + 1]!)] = row + 1;
  return (keys) => {
    if (keys.kind !== 'integer') return rowsOnSpine(spine, keys);
    const own = wordsOf(keys.values);
    const rowOf = new Int32Array(rows).fill(-1);
    // Mostly a row is behind the one before it on the spine, too.
    for (let row = 0, next = 0; row < keys.values.length; row++, next++) {
      const [low, high] = [own[2 * row]!, own[2 * row + 1]!];
      if (wanted[2 * next] !== low || wanted[2 * next + 1] !== high) next = table[placeOf(low, high)]! - 1;
      if (next >= 0) rowOf[next] = row;
    }
    return rowOf;
  };
}

/** Instants differ by multiples of a bar's length: their low bits alone would collide. */
function spread(low: number, high: number): number {
  let mixed = Math.imul(low ^ Math.imul(high, 0x27d4eb2f), 0x165667b1);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x7feb352d);
  return mixed ^ (mixed >>> 15);
}
