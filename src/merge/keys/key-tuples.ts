/**
 * Keys of several columns. The tuple of a row is packed into one text whose equality and order are those of the tuples,
 * so that nothing that compares, sorts or looks up keys need know of how many columns they are; a key of one column
 * stays what it is. An integer is its eight bytes, the highest first, the sign turned; a text is its bytes, each 00
 * followed by FF, and ends with 00 00. Pure.
 */
import { formatKey, keyCount, type KeyIntegers, type KeyType, type KeyValue, type KeyValues } from './key-values.ts';

/** Packs the columns of a key, one at least, all of as many rows. Memory: a text for each row. */
export function packKeys(columns: KeyValues[]): KeyValues {
  const first = columns[0]!;
  if (columns.length === 1) return first;
  const scratch = new Scratch();
  const writers = columns.map((column) =>
    column.kind === 'text' ? textWriter(column.values) : wordWriter(column.values),
  );
  const values = new Array<string>(keyCount(first));
  for (let row = 0; row < values.length; row++) {
    scratch.filled = 0;
    for (const write of writers) write(scratch, row);
    values[row] = scratch.bytes.toString('latin1', 0, scratch.filled);
  }
  return { kind: 'text', values };
}

/** The columns of keys that were packed of columns of these types. */
export function unpackKeys(keys: KeyValues, types: KeyType[]): KeyValues[] {
  if (types.length === 1) return [keys];
  const packed = keys.values as string[];
  const columns = types.map((type) => emptyColumn(type, packed.length));
  const readers = columns.map((column) =>
    column.kind === 'text' ? textReader(column.values) : wordReader(column.values),
  );
  for (const [row, text] of packed.entries()) {
    let at = 0;
    for (const read of readers) at = read(text, at, row);
  }
  return columns;
}

/** A key as people write it, for messages: a value, or the values of a tuple in brackets. */
export function formatKeys(value: KeyValue, types: KeyType[]): string {
  if (types.length === 1) return formatKey(value, types[0]!);
  const columns = unpackKeys({ kind: 'text', values: [value as string] }, types);
  return `(${columns.map(({ values }, i) => formatKey(values[0]!, types[i]!)).join(', ')})`;
}

/** The name of a key for messages: that of its column, or those of its columns in brackets. */
export const formatNames = (names: string[]): string => (names.length === 1 ? names[0]! : `(${names.join(', ')})`);

/** Bytes of one row's tuple. */
class Scratch {
  bytes = Buffer.alloc(256);
  filled = 0;

  /** Makes room for so many bytes more; returns where they begin. */
  grow(count: number): number {
    const start = this.filled;
    this.filled += count;
    if (this.filled > this.bytes.length) this.bytes = Buffer.concat([this.bytes], 2 * this.filled);
    return start;
  }
}

type Writer = (scratch: Scratch, row: number) => void;

function wordWriter(values: KeyIntegers): Writer {
  const words = wordsOf(values);
  const sign = signOf(values);
  return (scratch, row) => {
    const at = scratch.grow(8);
    scratch.bytes.writeInt32BE(words[2 * row + 1]! ^ sign, at);
    scratch.bytes.writeInt32BE(words[2 * row]!, at + 4);
  };
}

function textWriter(values: string[]): Writer {
  return (scratch, row) => {
    const text = values[row]!;
    const escaped = `${text.includes('\0') ? text.replaceAll('\0', '\0\xff') : text}\0\0`;
    const at = scratch.grow(escaped.length);
    scratch.bytes.write(escaped, at, 'latin1');
  };
}

/** Puts the value that begins at `at` into its row; returns where the next one begins. */
type Reader = (packed: string, at: number, row: number) => number;

function wordReader(values: KeyIntegers): Reader {
  const words = wordsOf(values);
  const sign = signOf(values);
  const wordAt = (packed: string, at: number): number =>
    (packed.charCodeAt(at) << 24) |
    (packed.charCodeAt(at + 1) << 16) |
    (packed.charCodeAt(at + 2) << 8) |
    packed.charCodeAt(at + 3);
  return (packed, at, row) => {
    words[2 * row + 1] = wordAt(packed, at) ^ sign;
    words[2 * row] = wordAt(packed, at + 4);
    return at + 8;
  };
}

function textReader(values: string[]): Reader {
  return (packed, at, row) => {
    const end = endOfText(packed, at);
    values[row] = packed.slice(at, end).replaceAll('\0\xff', '\0');
    return end + 2;
  };
}

/** Where a text that begins at `at` ends: at the first 00 that no FF follows. */
function endOfText(packed: string, at: number): number {
  let end = packed.indexOf('\0', at);
  while (packed.charCodeAt(end + 1) === 0xff) end = packed.indexOf('\0', end + 2);
  return end;
}

function emptyColumn(type: KeyType, rows: number): KeyValues {
  if (type.kind === 'text') return { kind: 'text', values: new Array<string>(rows) };
  const isUnsigned = type.kind === 'integer' && !type.signed;
  return { kind: 'integer', values: isUnsigned ? new BigUint64Array(rows) : new BigInt64Array(rows) };
}

/** The halves of each integer, the lower first. */
export const wordsOf = (values: KeyIntegers): Int32Array =>
  new Int32Array(values.buffer, values.byteOffset, values.length * 2);

/** What turns the higher half so that its unsigned order is that of the values. */
const signOf = (values: KeyIntegers): number => (values instanceof BigUint64Array ? 0 : -(2 ** 31));
