import { PHYSICAL } from '../parquet/field-ids.ts';
import type { Footer } from '../parquet/footer.ts';
import type { Column } from '../parquet/schema.ts';
import { readColumnValues, type PhysicalValues } from '../parquet/values.ts';
import type { ReadableFile } from '../system/disk-file.ts';

/** Reads one flat column over all row groups. Memory: that of the column, twice while it is put together. */
export async function readWholeColumn(
  handle: ReadableFile,
  size: number,
  footer: Footer,
  column: Column,
  name: string,
): Promise<PhysicalValues> {
  const parts: PhysicalValues[] = [];
  for (let group = 0; group < footer.rowGroups.length; group++)
    parts.push(await readColumnValues(handle, size, footer, column, group, name));
  return concatValues(parts);
}

function concatValues(parts: PhysicalValues[]): PhysicalValues {
  const first = parts[0]!;
  if (parts.length === 1) return first;
  const rows = parts.reduce((sum, part) => sum + part.rows, 0);
  const nulls = parts.some((part) => part.nulls !== null) ? new Uint8Array(rows) : null;
  const whole = emptyLike(first, rows, nulls);
  let at = 0;
  for (const part of parts) {
    if (part.nulls !== null) nulls!.set(part.nulls, at);
    if (whole.kind === 'bytes') for (let i = 0; i < part.rows; i++) whole.values[at + i] = part.values[i] as Uint8Array;
    else (whole.values as { set: (values: unknown, at: number) => void }).set(part.values, at);
    at += part.rows;
  }
  return whole;
}

function emptyLike({ kind }: PhysicalValues, rows: number, nulls: Uint8Array | null): PhysicalValues {
  switch (kind) {
    case 'i32':
      return { rows, nulls, kind, values: new Int32Array(rows) };
    case 'i64':
      return { rows, nulls, kind, values: new BigInt64Array(rows) };
    case 'bits':
      return { rows, nulls, kind, values: new Uint8Array(rows) };
    case 'bytes':
      return { rows, nulls, kind, values: new Array<Uint8Array>(rows) };
  }
}

/**
 * The first row of `output` that does not hold, bit for bit, what `source` holds in row `rowOf[firstRow + row]`, or
 * null where that is -1; -1 where all do. With the physical type `nanOf`, FLOAT or DOUBLE, one NaN is as good as another.
 */
export function firstWrongRow(
  source: PhysicalValues,
  output: PhysicalValues,
  rowOf: Int32Array,
  firstRow: number,
  nanOf: number | null = null,
): number {
  // By far the most columns: a call for each value would take most of the time.
  if (source.kind === 'i64' && output.kind === 'i64' && nanOf === null)
    return firstWrongLong(source, output, rowOf, firstRow);
  const equal = comparerOf(source, output);
  const [isNan, isWrittenNan] = [nanTestOf(source, nanOf), nanTestOf(output, nanOf)];
  const same = (i: number, j: number): boolean => equal(i, j) || (isNan(i) && isWrittenNan(j));
  for (let row = 0; row < output.rows; row++) {
    const from = rowOf[firstRow + row]!;
    const expectNull = from < 0 || source.nulls?.[from] === 1;
    const isNull = output.nulls?.[row] === 1;
    if (expectNull !== isNull || (!isNull && !same(from, row))) return row;
  }
  return -1;
}

type Longs = PhysicalValues & { kind: 'i64' };

/** The same by 32-bit halves. */
function firstWrongLong(source: Longs, output: Longs, rowOf: Int32Array, firstRow: number): number {
  const [x, y] = [halvesOf(source), halvesOf(output)];
  const [nulls, writtenNulls] = [source.nulls, output.nulls];
  for (let row = 0; row < output.rows; row++) {
    const from = rowOf[firstRow + row]!;
    const expectNull = from < 0 || (nulls !== null && nulls[from] === 1);
    const isNull = writtenNulls !== null && writtenNulls[row] === 1;
    if (expectNull !== isNull) return row;
    if (!isNull && (x[2 * from] !== y[2 * row] || x[2 * from + 1] !== y[2 * row + 1])) return row;
  }
  return -1;
}

const halvesOf = ({ values, rows }: Longs): Int32Array => new Int32Array(values.buffer, values.byteOffset, rows * 2);

function comparerOf(a: PhysicalValues, b: PhysicalValues): (i: number, j: number) => boolean {
  if (a.kind === 'i64' && b.kind === 'i64') {
    const [x, y] = [halvesOf(a), halvesOf(b)];
    return (i, j) => x[2 * i] === y[2 * j] && x[2 * i + 1] === y[2 * j + 1];
  }
  if (a.kind === 'bytes' && b.kind === 'bytes') {
    const [x, y] = [a.values, b.values];
    return (i, j) => Buffer.compare(x[i]!, y[j]!) === 0;
  }
  if (a.kind !== b.kind) return () => false;
  const [x, y] = [a.values, b.values];
  return (i, j) => x[i] === y[j];
}

function nanTestOf(values: PhysicalValues, physicalType: number | null): (row: number) => boolean {
  // Views of the same bits as numbers.
  if (values.kind === 'i64' && physicalType === PHYSICAL.double) {
    const doubles = new Float64Array(values.values.buffer, values.values.byteOffset, values.rows);
    return (row) => Number.isNaN(doubles[row]);
  }
  if (values.kind === 'i32' && physicalType === PHYSICAL.float) {
    const floats = new Float32Array(values.values.buffer, values.values.byteOffset, values.rows);
    return (row) => Number.isNaN(floats[row]);
  }
  return () => false;
}

const SHOWN_BYTES = 24;

/** A value for a message: numbers with their bits where that is what may differ. */
export function formatValue(values: PhysicalValues, row: number, column: Column): string {
  if (row < 0 || values.nulls?.[row] === 1) return 'null';
  if (values.kind === 'bytes') {
    const bytes = Buffer.from(values.values[row]!);
    const shown = bytes.subarray(0, SHOWN_BYTES).toString('hex');
    return `0x${shown}${bytes.length > SHOWN_BYTES ? '...' : ''} (${bytes.length} bytes)`;
  }
  if (values.kind === 'i64' && column.physicalType === PHYSICAL.double) {
    const bits = values.values[row]!;
    const float = new Float64Array(BigInt64Array.of(bits).buffer)[0]!;
    return `${float} (0x${BigInt.asUintN(64, bits).toString(16).padStart(16, '0')})`;
  }
  if (values.kind === 'i32' && column.physicalType === PHYSICAL.float) {
    const bits = values.values[row]!;
    const float = new Float32Array(Int32Array.of(bits).buffer)[0]!;
    return `${float} (0x${(bits >>> 0).toString(16).padStart(8, '0')})`;
  }
  return String(values.values[row]);
}
