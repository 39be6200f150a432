/**
 * What is left of a pair on BigQuery is called after the pair and its columns, as far as BigQuery takes their names. What it
 * does not take is replaced, always in the same way; the manifest table has the original beside it.
 *
 * Sources: https://cloud.google.com/bigquery/docs/schemas#column_names, https://cloud.google.com/bigquery/docs/tables#table_naming.
 * Flexible column names (spaces, dashes, letters beyond ASCII) are not relied upon: not everything that reads a view takes them.
 */
import { createHash } from 'node:crypto';

const LONGEST_COLUMN = 300;
/** With what is appended far below the 1,024 bytes of a table's name. */
const LONGEST_PAIR = 200;
const HASH_DIGITS = 8;
const PLAIN = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** Names must not begin with these, whatever their case. */
const RESERVED = /^(_TABLE_|_FILE_|_PARTITION|_ROW_TIMESTAMP|__ROOT__|_COLIDENTIFIER|_CHANGE_)/i;

/**
 * Names for the views' columns, all different whatever their case. A name that BigQuery takes stays (of several that differ in
 * case only, the first); in others each character but ASCII letters, digits and `_` becomes `_`, one that begins with a digit gets
 * `_`, one with a reserved beginning `x` in front; where that is taken or too long, `_` and 8 digits of the name's SHA-256 follow.
 */
export function columnNames(names: readonly string[]): string[] {
  const taken = new Set<string>();
  const take = (name: string): boolean => {
    const folded = name.toLowerCase();
    if (taken.has(folded)) return false;
    taken.add(folded);
    return true;
  };
  const kept = names.map((name) => isAccepted(name) && take(name));
  return names.map((name, index) => {
    if (kept[index]) return name;
    const plain = plainName(name);
    if (plain.length <= LONGEST_COLUMN && take(plain)) return plain;
    for (let hash = digits(name); ; hash = digits(hash)) {
      const replacement = `${plain.slice(0, LONGEST_COLUMN - HASH_DIGITS - 1)}_${hash}`;
      if (take(replacement)) return replacement;
    }
  });
}

const isAccepted = (name: string): boolean => name.length <= LONGEST_COLUMN && PLAIN.test(name) && !RESERVED.test(name);

function plainName(name: string): string {
  const plain = name.replace(/[^A-Za-z0-9_]/gu, '_');
  if (RESERVED.test(plain)) return `x${plain}`;
  return /^[A-Za-z_]/.test(plain) ? plain : `_${plain}`;
}

const digits = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, HASH_DIGITS);

/** The pair's own name where tables may be called so, else a replacement that no other pair has. */
export function pairName(pair: string): string {
  if (/^[A-Za-z0-9_]+$/.test(pair) && pair.length <= LONGEST_PAIR) return pair;
  return `${pair.replace(/[^A-Za-z0-9_]/gu, '_').slice(0, LONGEST_PAIR)}_${digits(pair)}`;
}

/** `part` counts from 1. No two pairs share a name: what follows the last `_` tells kinds and parts apart. */
export const viewName = (pair: string, part: number): string => `${pairName(pair)}_${part}`;
export const dataName = (pair: string, part: number): string => `${pairName(pair)}_${part}_data`;
export const manifestName = (pair: string): string => `${pairName(pair)}_manifest`;

/** True for the names of the pair's views and data tables, however many there are. */
export const isPartName = (pair: string, name: string): boolean =>
  name.startsWith(`${pairName(pair)}_`) && /^[1-9]\d*(_data)?$/.test(name.slice(pairName(pair).length + 1));
