import { open, type FileHandle } from 'node:fs/promises';
import type { Crew } from '../crew/crew.ts';
import { formatKeys } from '../keys/key-tuples.ts';
import type { KeyValues } from '../keys/key-values.ts';
import { invalidCheckpoint, isOutOfMemory } from '../errors.ts';
import { readChunkBytes } from '../parquet/chunk-bytes.ts';
import type { Footer } from '../parquet/footer.ts';
import { checkNestedPages } from '../parquet/nested-pages.ts';
import { codecOf } from '../parquet/physical-view.ts';
import { leavesOf, type Column } from '../parquet/schema.ts';
import type { Checkpoint, MergePlan } from '../plan.ts';
import { sendColumn, type ColumnsFinding } from './columns.ts';
import { mismatch, type ExpectedColumn } from './footer.ts';
import { lookUpRows } from './output-keys.ts';

export interface CheckpointCheck {
  checkpoint: Checkpoint;
  plan: MergePlan;
  output: { path: string; footer: Footer };
  /** The checkpoint's columns in the output. */
  columns: ExpectedColumn[];
  /** A NaN may have come back with other bits. */
  anyNan: boolean;
  crew: Crew;
}

/**
 * Compares every value of a checkpoint's flat columns with the output: that of the same key, or null where the
 * checkpoint has no such key. Gives the sums of the output's chunks: by flat column, in their order, and row group. Throws
 * OutputMismatch.
 */
export async function checkCheckpointValues(check: CheckpointCheck): Promise<ColumnsFinding['sums']> {
  const { checkpoint, plan, output, crew } = check;
  const { spine, rows } = plan;
  const rowOf = await lookUpRows(checkpoint, spine.keys, spine.types);
  checkCompleteness(rowOf, checkpoint, rows);
  const nested = check.columns.filter((column) => column.output.nested);
  if (nested.length > 0) await checkNestedColumns(checkpoint, nested);
  const { sums, wrong } = await crew.run('compare', {
    path: checkpoint.path,
    name: checkpoint.name,
    outputPath: output.path,
    columns: check.columns
      .filter((column) => !column.output.nested)
      .map((column) => ({
        source: sendColumn(column.source!.column, checkpoint.footer),
        output: sendColumn(column.output, output.footer),
      })),
    rowOf,
    anyNan: check.anyNan,
  });
  if (wrong !== null)
    throw mismatch(
      `column ${wrong.column} has ${wrong.written} in row ${wrong.row + 1} (key ${keyAt(spine.keys, wrong.row, plan)}) where ${checkpoint.name} has ${wrong.expected}`,
      wrong.column,
    );
  return sums;
}

async function checkNestedColumns(checkpoint: Checkpoint, columns: ExpectedColumn[]): Promise<void> {
  const source = await open(checkpoint.path, 'r');
  try {
    for (const column of columns) await checkNested(source, checkpoint, column.source!.column);
  } finally {
    await source.close();
  }
}

const keyAt = (keys: KeyValues, row: number, { spine }: MergePlan): string =>
  formatKeys(keys.values[row]!, spine.types);

/** The values of nested columns are compared as bytes only; that they can be decoded, and are as many as the rows, is checked. */
async function checkNested(source: FileHandle, { footer, name }: Checkpoint, column: Column): Promise<void> {
  const leaves = leavesOf(column);
  for (const { rows, chunks } of footer.rowGroups)
    for (const [i, leaf] of leaves.entries()) {
      const chunk = chunks[column.firstLeaf + i]!;
      const bytes = await readChunkBytes(source, chunk, column, name);
      try {
        checkNestedPages(bytes, { leaf, codec: codecOf(chunk), values: chunk.values, rows });
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
  for (let i = 0; i < rowOf.length; i++) if (rowOf[i]! >= 0) found++;
  if (rows === 'union' && found !== footer.rows)
    throw mismatch(`it has ${found} of the ${footer.rows} rows of ${name}`);
  if (rows === 'intersection' && found !== rowOf.length)
    throw mismatch(`${name} has ${found} of its ${rowOf.length} rows, an intersection has all`);
}
