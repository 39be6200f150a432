import { crc32 } from '../crc32.ts';
import { SCHEMA_ELEMENT } from '../parquet/field-ids.ts';
import type { Chunk, Footer } from '../parquet/footer.ts';
import type { Column } from '../parquet/schema.ts';
import { integerOf } from '../parquet/thrift.ts';
import { i32Field } from '../parquet/write-thrift.ts';
import { readColumnValues } from '../parquet/values.ts';
import { DiskFile, type ReadableFile } from '../system/disk-file.ts';
import { DiskReader } from '../system/disk-reader.ts';
import { NearbyFile } from '../system/nearby-file.ts';
import { OUTPUT } from './footer.ts';
import { firstWrongRow, formatValue, readWholeColumn } from './values.ts';

/** A flat column with its chunks, as plain data: of a footer of thousands of columns only this goes to another thread. */
export interface SentColumn {
  name: string;
  physicalType: number;
  /** Bytes of a value of fixed length; null for other types. */
  typeLength: number | null;
  repetition: number;
  /** By row group. */
  chunks: (Chunk & { rows: number })[];
}

export interface ColumnsCheck {
  /** The checkpoint, and what errors call it. */
  path: string;
  name: string;
  outputPath: string;
  columns: { source: SentColumn; output: SentColumn }[];
  /** For each row of the output the checkpoint's row, or -1 where the output has nulls. */
  rowOf: Int32Array;
  /** A NaN may have come back with other bits. */
  anyNan: boolean;
}

export interface ColumnsFinding {
  /** By column and row group: of the output's chunk. */
  sums: { crc32: number; bytes: number }[][];
  /** The first value that is wrong, in words; null where none is. Columns behind it were not looked at. */
  wrong: { column: string; row: number; written: string; expected: string } | null;
}

export function sendColumn(column: Column, { rowGroups }: Footer): SentColumn {
  return {
    name: column.name,
    physicalType: column.physicalType!,
    typeLength: integerOf(column.elements[0]!, SCHEMA_ELEMENT.typeLength),
    repetition: column.repetition,
    // Copies: a view would take the whole footer along.
    chunks: rowGroups.map(({ rows, chunks }) => {
      const chunk = chunks[column.firstLeaf]!;
      return { ...chunk, raw: Uint8Array.from(chunk.raw), rows };
    }),
  };
}

/**
 * Compares every value of a checkpoint's flat columns with the output: what its row has, or null. Memory: two columns, of the
 * checkpoint and of the output. Throws CheckpointInvalid where either cannot be read.
 */
export async function compareColumns(check: ColumnsCheck): Promise<ColumnsFinding> {
  using sourceFile = new NearbyFile(check.path);
  // What the page cache holds of the output proves nothing.
  await using disk = await DiskReader.open(check.outputPath);
  const outputFile = new DiskFile(disk);
  const source = { handle: sourceFile, size: sourceFile.size };
  const output = { handle: outputFile, size: (await outputFile.stat()).size };
  const sums: ColumnsFinding['sums'] = [];
  const begin = (index: number): ReturnType<typeof compareColumn> | null => {
    const pair = check.columns[index];
    const begun = pair === undefined ? null : compareColumn(check, pair, source, output);
    // Met when its turn comes.
    begun?.catch(() => undefined);
    return begun;
  };
  let next = begin(0);
  try {
    for (let index = 1; next !== null; index++) {
      const current = next;
      // While one column of the output comes from the disk, another one of the source is decoded; of long ones there is one at a time.
      const isShort = decodedBytes(check, index - 1) + decodedBytes(check, index) <= SHORT_BYTES;
      next = isShort ? begin(index) : null;
      const found = await current;
      if ('wrong' in found) return { sums, wrong: found.wrong };
      sums.push(found.sums);
      next ??= begin(index);
    }
    return { sums, wrong: null };
  } finally {
    // Its reads must end before the files are closed.
    await Promise.allSettled([next]);
  }
}

/** Two columns at a time are no more than this. */
const SHORT_BYTES = 32 * 1024 * 1024;

/** Of a column in the source, roughly; 0 behind the last. */
const decodedBytes = ({ columns }: ColumnsCheck, index: number): number =>
  columns[index]?.source.chunks.reduce(
    (sum, { uncompressedLength, rows }) => sum + Math.max(uncompressedLength, 8 * rows),
    0,
  ) ?? 0;

interface OpenFile {
  handle: ReadableFile;
  size: number;
}

async function compareColumn(
  check: ColumnsCheck,
  pair: ColumnsCheck['columns'][number],
  source: OpenFile,
  output: OpenFile,
): Promise<{ sums: ColumnsFinding['sums'][number] } | { wrong: NonNullable<ColumnsFinding['wrong']> }> {
  const [from, to] = [receive(pair.source), receive(pair.output)];
  const values = await readWholeColumn(source.handle, source.size, from.footer, from.column, check.name);
  const sums: ColumnsFinding['sums'][number] = [];
  let firstRow = 0;
  for (const [group, { rows }] of to.footer.rowGroups.entries()) {
    const sum = { crc32: 0, bytes: 0 };
    const written = await readColumnValues(output.handle, output.size, to.footer, to.column, group, OUTPUT, (bytes) => {
      sum.crc32 = crc32(bytes, sum.crc32);
      sum.bytes += bytes.length;
    });
    const nanOf = check.anyNan ? from.column.physicalType : null;
    const wrong = firstWrongRow(values, written, check.rowOf, firstRow, nanOf);
    if (wrong >= 0) {
      const row = firstRow + wrong;
      return {
        wrong: {
          column: to.column.name,
          row,
          written: formatValue(written, wrong, to.column),
          expected: formatValue(values, check.rowOf[row]!, from.column),
        },
      };
    }
    sums.push(sum);
    firstRow += rows;
  }
  return { sums };
}

/** The column as that of a file which has no other. */
function receive({ name, physicalType, typeLength, repetition, chunks }: SentColumn): {
  column: Column;
  footer: Footer;
} {
  const element = typeLength === null ? [] : [i32Field(SCHEMA_ELEMENT.typeLength, typeLength)];
  const column = { name, elements: [element], firstLeaf: 0, leaves: 1, nested: false, physicalType, repetition };
  const rowGroups = chunks.map(({ rows, ...chunk }) => ({ rows, chunks: [chunk] }));
  const rows = rowGroups.reduce((sum, group) => sum + group.rows, 0);
  return { column, footer: { rows, columns: [column], leaves: 1, rowGroups, columnOrders: null, struct: [] } };
}
