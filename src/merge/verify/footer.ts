/** Checks of an output's footer against the footers of the sources. */
import { isDeepStrictEqual } from 'node:util';
import { MergeFailure } from '../errors.ts';
import type { MergeJob } from '../job.ts';
import { keyTypeOf } from '../keys/key-values.ts';
import { COLUMN_CHUNK, COLUMN_META, REPETITION, SCHEMA_ELEMENT, STATISTICS } from '../parquet/field-ids.ts';
import type { Chunk, Footer } from '../parquet/footer.ts';
import { describeType } from '../parquet/logical.ts';
import type { Column } from '../parquet/schema.ts';
import { findField, integerOf, readStruct, type ThriftStruct } from '../parquet/thrift.ts';
import type { Checkpoint, MergePlan } from '../plan.ts';

/** One column of the output and where it comes from; those of the key have no source here. */
export interface ExpectedColumn {
  output: Column;
  source: { checkpoint: Checkpoint; column: Column } | null;
}

/** A column with its number in the output. */
export type IndexedColumn = [index: number, column: ExpectedColumn];

/** What errors call the output while it has no name yet. */
export const OUTPUT = 'the output';

export const mismatch = (message: string, column?: string): MergeFailure =>
  new MergeFailure('OutputMismatch', `the output is not what the checkpoints hold: ${message}`, { column });

/**
 * Checks rows, names, order and types; pairs each column of the output with its source. Throws OutputMismatch. What was
 * stitched has the row groups of the plan and the schema elements of the checkpoints; other writers have their own.
 */
export function matchColumns(plan: MergePlan, output: Footer, engine: MergeJob['engine']): ExpectedColumn[] {
  const rows = plan.spine.keys.values.length;
  if (output.rows !== rows) throw mismatch(`it has ${output.rows} rows, the keys of the checkpoints make ${rows}`);
  const groups = output.rowGroups.map((group) => group.rows);
  if (!writesAnew(engine) && groups.join() !== plan.spine.rowGroupRows.join())
    throw mismatch(`its row groups have ${groups.join(', ')} rows instead of ${plan.spine.rowGroupRows.join(', ')}`);
  const sources = plan.checkpoints.flatMap((checkpoint) =>
    checkpoint.columns.map((column) => ({ checkpoint, column })),
  );
  const keys = plan.keyNames.length;
  if (output.columns.length !== keys + sources.length)
    throw mismatch(`it has ${output.columns.length} columns, the checkpoints make ${keys + sources.length}`);
  return output.columns.map((column, i) => {
    const source = sources[i - keys];
    if (source === undefined) {
      checkKey(plan, i, column, engine);
      return { output: column, source: null };
    }
    checkColumn(
      source.column,
      column,
      writesAnew(engine) ? null : engine === 'stitch' && plan.aligned[source.checkpoint.index]!,
    );
    return { output: column, source };
  });
}

/** All but the stitch of checkpoints, or of parts. */
export const writesAnew = (engine: MergeJob['engine']): boolean => engine !== 'stitch' && engine !== 'bigquery';

/** Of the key's column `index`, which is that of the output, too. */
function checkKey(plan: MergePlan, index: number, column: Column, engine: MergeJob['engine']): void {
  const { spine, checkpoints } = plan;
  const keyName = plan.keyNames[index]!;
  if (column.name !== keyName)
    throw mismatch(`its column ${index + 1} is ${column.name} instead of the key ${keyName}`);
  const type = keyTypeOf(column, OUTPUT);
  // A key that was taken over keeps its unit, though other files may have a finer one.
  if (spine.source !== null) {
    checkColumn(checkpoints[spine.source]!.keys[index]!, column, writesAnew(engine) ? null : true);
    return;
  }
  const wanted = spine.types[index]!;
  if (!isDeepStrictEqual(type, wanted))
    throw mismatch(`its key has the type ${JSON.stringify(type)} instead of ${JSON.stringify(wanted)}`, keyName);
}

/** `aligned`: true where the chunks were taken over, false where they were rewritten, null where all was written anew. */
function checkColumn(source: Column, output: Column, aligned: boolean | null): void {
  if (output.name !== source.name)
    throw mismatch(`column ${output.name} stands where ${source.name} is expected`, source.name);
  const same =
    aligned === null
      ? describeType(source) === describeType(output)
      : source.elements.length === output.elements.length &&
        source.elements.every((element, i) => sameElement(element, output.elements[i]!, !aligned && i === 0));
  if (!same)
    throw mismatch(
      `column ${output.name} has another type (${describeType(output)}, not ${describeType(source)})`,
      output.name,
    );
  if (aligned === false && output.repetition !== REPETITION.optional)
    throw mismatch(`column ${output.name} was rewritten but cannot be null`, output.name);
}

function sameElement(a: ThriftStruct, b: ThriftStruct, rewritten: boolean): boolean {
  const relevant = (struct: ThriftStruct): ThriftStruct =>
    struct.filter(({ id }) => id !== SCHEMA_ELEMENT.fieldId && !(rewritten && id === SCHEMA_ELEMENT.repetition));
  return sameFields(relevant(a), relevant(b));
}

function sameFields(a: ThriftStruct, b: ThriftStruct): boolean {
  if (a.length !== b.length) return false;
  return a.every((field) => {
    const other = findField(b, field.id);
    return other !== undefined && field.equals(other);
  });
}

/** Offsets move and indexes stay behind; statistics are looked at by themselves. */
const MAY_DIFFER: ReadonlySet<number> = new Set([
  COLUMN_META.dataPageOffset,
  COLUMN_META.indexPageOffset,
  COLUMN_META.dictionaryPageOffset,
  COLUMN_META.statistics,
  COLUMN_META.bloomFilterOffset,
  COLUMN_META.bloomFilterLength,
]);
const BOUNDS: ReadonlySet<number> = new Set([
  STATISTICS.maxValue,
  STATISTICS.minValue,
  STATISTICS.isMaxExact,
  STATISTICS.isMinExact,
]);

/**
 * Checks that the metadata of a chunk that was taken over is that of its source, byte for byte, statistics included.
 * `ordered`: the source says in which order its bounds are; without that they must not be in the output.
 */
export function checkChunk(source: Chunk, output: Chunk, name: string, ordered: boolean): void {
  if (source.length !== output.length)
    throw mismatch(`column ${name} has ${output.length} bytes, its source ${source.length}`, name);
  const [from, to] = [metaOf(source), metaOf(output)];
  const kept = (meta: ThriftStruct): ThriftStruct => meta.filter(({ id }) => !MAY_DIFFER.has(id));
  if (!sameFields(kept(from), kept(to)))
    throw mismatch(`column ${name} is described otherwise than in its source`, name);
  for (const id of [COLUMN_META.dataPageOffset, COLUMN_META.dictionaryPageOffset])
    if (offsetIn(source, from, id) !== offsetIn(output, to, id))
      throw mismatch(`column ${name} has its pages at another place in its chunk`, name);
  const [sourceStatistics, outputStatistics] = [statisticsOf(from), statisticsOf(to)];
  for (const field of outputStatistics) {
    const own = findField(sourceStatistics, field.id);
    if (own === undefined || !own.equals(field) || (!ordered && BOUNDS.has(field.id)))
      throw mismatch(`column ${name} has statistics that its source has not`, name);
  }
}

const metaOf = (chunk: Chunk): ThriftStruct => readStruct(findField(readStruct(chunk.raw), COLUMN_CHUNK.metaData)!.raw);

function offsetIn(chunk: Chunk, meta: ThriftStruct, id: number): number | null {
  const offset = integerOf(meta, id) ?? 0;
  return offset > 0 ? offset - chunk.start : null;
}

function statisticsOf(meta: ThriftStruct): ThriftStruct {
  const field = findField(meta, COLUMN_META.statistics);
  return field === undefined ? [] : readStruct(field.raw);
}
