import { open, type FileHandle } from 'node:fs/promises';
import { formatKey, type KeyValues } from './keys.ts';
import { invalidCheckpoint, isOutOfMemory } from './errors.ts';
import { readChunkBytes } from './parquet/chunk-bytes.ts';
import { valuesOf, type Footer } from './parquet/footer.ts';
import { checkNestedPages } from './parquet/nested-pages.ts';
import { codecOf } from './parquet/physical-view.ts';
import { leavesOf, type Column } from './parquet/schema.ts';
import { readColumnValues } from './parquet/values.ts';
import type { Checkpoint, MergePlan } from './plan.ts';
import { mismatch, OUTPUT, type ExpectedColumn } from './verify-footer.ts';
import { lookUpRows } from './verify-keys.ts';
import { firstWrongRow, formatValue, readWholeColumn } from './verify-values.ts';

export interface CheckpointCheck {
  checkpoint: Checkpoint;
  plan: MergePlan;
  output: { handle: FileHandle; size: number; footer: Footer };
  /** The checkpoint's columns in the output. */
  columns: ExpectedColumn[];
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
  const rowOf = await lookUpRows(checkpoint, spine.keys, spine.type);
  checkCompleteness(rowOf, checkpoint, rows);
  const source = await open(checkpoint.path, 'r');
  try {
    const { size } = await source.stat();
    for (const { source: from, output: column } of check.columns) {
      check.signal?.throwIfAborted();
      const own = from!.column;
      if (column.nested) {
        await checkNested(source, checkpoint, own);
        continue;
      }
      const values = await readWholeColumn(source, size, checkpoint.footer, own, checkpoint.name);
      let firstRow = 0;
      for (const [group, { rows: groupRows }] of output.footer.rowGroups.entries()) {
        const written = await readColumnValues(output.handle, output.size, output.footer, column, group, OUTPUT);
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

const keyAt = (keys: KeyValues, row: number, { spine }: MergePlan): string => formatKey(keys.values[row]!, spine.type);

/** The values of nested columns are compared as bytes only; that they can be decoded, and are as many as the rows, is checked. */
async function checkNested(source: FileHandle, { footer, name }: Checkpoint, column: Column): Promise<void> {
  const leaves = leavesOf(column);
  for (const { rows, chunks } of footer.rowGroups)
    for (const [i, leaf] of leaves.entries()) {
      const chunk = chunks[column.firstLeaf + i]!;
      const bytes = await readChunkBytes(source, chunk, column, name);
      try {
        checkNestedPages(bytes, { leaf, codec: codecOf(chunk), values: valuesOf(chunk), rows });
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
