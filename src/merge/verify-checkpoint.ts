import { open, type FileHandle } from 'node:fs/promises';
import { formatKeys } from './key-tuples.ts';
import type { KeyValues } from './keys.ts';
import { invalidCheckpoint, isOutOfMemory } from './errors.ts';
import { readChunkBytes } from './parquet/chunk-bytes.ts';
import { valuesOf, type Footer } from './parquet/footer.ts';
import { decompressPages } from './parquet/page-header.ts';
import { codecOf } from './parquet/physical-view.ts';
import type { Column } from './parquet/schema.ts';
import { readColumnValues } from './parquet/values.ts';
import type { Checkpoint, MergePlan } from './plan.ts';
import type { ReadableFile } from './system/disk-file.ts';
import type { Checksum } from './verify-bytes.ts';
import { mismatch, OUTPUT, type ExpectedColumn } from './verify-footer.ts';
import { lookUpRows } from './verify-keys.ts';
import { firstWrongRow, formatValue, readWholeColumn } from './verify-values.ts';

export interface CheckpointCheck {
  checkpoint: Checkpoint;
  plan: MergePlan;
  output: { file: ReadableFile; size: number; footer: Footer };
  /** The checkpoint's columns in the output, and where the checksums of their chunks go, one a row group; null where nobody asks. */
  columns: (ExpectedColumn & { sums: Checksum[] | null })[];
  /** A NaN may have come back with other bits. */
  anyNan: boolean;
  signal: AbortSignal | undefined;
  /** Bytes of the source's chunks that were compared. */
  onBytes: (bytes: number) => void;
}

/**
 * Compares every value of a checkpoint's flat columns with the output: that of the same key, or null where the
 * checkpoint has no such key. Throws OutputMismatch.
 */
export async function checkCheckpointValues(check: CheckpointCheck): Promise<void> {
  const { checkpoint, plan, output } = check;
  const { spine, rows } = plan;
  const rowOf = await lookUpRows(checkpoint, spine.keys, spine.types);
  checkCompleteness(rowOf, checkpoint, rows);
  const source = await open(checkpoint.path, 'r');
  try {
    const { size } = await source.stat();
    for (const { source: from, output: column, sums } of check.columns) {
      check.signal?.throwIfAborted();
      const own = from!.column;
      if (column.nested) {
        await checkNestedPages(source, checkpoint, own);
        continue;
      }
      const values = await readWholeColumn(source, size, checkpoint.footer, own, checkpoint.name);
      let firstRow = 0;
      for (const [group, { rows: groupRows }] of output.footer.rowGroups.entries()) {
        const file = sums === null ? output.file : summing(output.file, sums[group]!);
        const written = await readColumnValues(file, output.size, output.footer, column, group, OUTPUT);
        const wrong = firstWrongRow(values, written, rowOf, firstRow, check.anyNan ? own.physicalType : null);
        if (wrong >= 0) {
          const row = firstRow + wrong;
          throw mismatch(
            `column ${column.name} has ${formatValue(written, wrong, column)} in row ${row + 1} (key ${keyAt(spine.keys, row, plan)}) where ${checkpoint.name} has ${formatValue(values, rowOf[row]!, own)}`,
            column.name,
          );
        }
        firstRow += groupRows;
      }
      for (const { chunks } of checkpoint.footer.rowGroups) check.onBytes(chunks[own.firstLeaf]!.length);
    }
  } finally {
    await source.close();
  }
}

/** Adds what is read to `sum`: a chunk is read once, from front to back. */
const summing = (file: ReadableFile, sum: Checksum): ReadableFile => ({
  stat: () => file.stat(),
  read: async (buffer, offset, length, position) => {
    const { bytesRead } = await file.read(buffer, offset, length, position);
    sum.add(buffer.subarray(offset, offset + bytesRead));
    return { bytesRead };
  },
});

const keyAt = (keys: KeyValues, row: number, { spine }: MergePlan): string =>
  formatKeys(keys.values[row]!, spine.types);

/** The values of nested columns are not compared; that their pages can be decompressed is. */
async function checkNestedPages(source: FileHandle, { footer, name }: Checkpoint, column: Column): Promise<void> {
  for (const { chunks } of footer.rowGroups)
    for (const chunk of chunks.slice(column.firstLeaf, column.firstLeaf + column.leaves)) {
      const bytes = await readChunkBytes(source, chunk, column, name);
      try {
        decompressPages(bytes, codecOf(chunk), valuesOf(chunk));
      } catch (error) {
        if (isOutOfMemory(error)) throw error;
        const why = error instanceof Error ? error.message : String(error);
        throw invalidCheckpoint(name, `column ${column.name} cannot be read: ${why}`, column.name);
      }
    }
}

/** No row of a checkpoint may be lost in a union, nor invented in an intersection. */
function checkCompleteness(rowOf: Int32Array, { name, footer }: Checkpoint, rows: MergePlan['rows']): void {
  let found = 0;
  for (const row of rowOf) if (row >= 0) found++;
  if (rows === 'union' && found !== footer.rows)
    throw mismatch(`it has ${found} of the ${footer.rows} rows of ${name}`);
  if (rows === 'intersection' && found !== rowOf.length)
    throw mismatch(`${name} has ${found} of its ${rowOf.length} rows, an intersection has all`);
}
