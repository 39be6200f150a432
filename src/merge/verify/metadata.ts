/** Checks that what an output says of itself in the words of Arrow and pandas is what its sources say of their columns. */
import { isDeepStrictEqual } from 'node:util';
import { FlatbufferError, type Row } from '../arrow/flatbuffer.ts';
import { ARROW_SCHEMA_KEY, DICTIONARY, FIELD, openArrowSchema } from '../arrow/schema-message.ts';
import { isFieldId, sourceFields } from '../arrow/whole-schema.ts';
import { PANDAS_KEY } from '../pandas-metadata.ts';
import type { Footer } from '../parquet/footer.ts';
import { findKeyValue } from '../parquet/key-values.ts';
import type { Checkpoint, MergePlan } from '../plan.ts';
import { mismatch } from './footer.ts';
import { metadataSources } from '../whole-metadata.ts';

/** Of an output that was stitched. `isRewritten`: the columns of such a checkpoint may lack values. Throws OutputMismatch. */
export function checkMetadata(plan: MergePlan, output: Footer, isRewritten: (checkpoint: Checkpoint) => boolean): void {
  const arrow = findKeyValue(output.struct, ARROW_SCHEMA_KEY);
  if (arrow !== null) checkArrowSchema(arrow, plan, output, isRewritten);
  const pandas = findKeyValue(output.struct, PANDAS_KEY);
  if (pandas !== null) checkPandas(pandas, plan);
}

function checkArrowSchema(
  text: string,
  plan: MergePlan,
  output: Footer,
  isRewritten: (checkpoint: Checkpoint) => boolean,
): void {
  try {
    const schema = openArrowSchema(text, Infinity, Infinity);
    if (schema.length !== output.columns.length)
      throw mismatch(`its Arrow schema has ${schema.length} fields for ${output.columns.length} columns`);
    let index = 0;
    const dictionaries = new Set<bigint>();
    for (const source of metadataSources(plan, isRewritten))
      for (const expected of sourceFields(source)) {
        const { name } = output.columns[index]!;
        if (!isSameField(schema.field(index++), expected, dictionaries))
          throw mismatch(`its Arrow schema describes column ${name} otherwise than that of its source`, name);
      }
  } catch (error) {
    if (!(error instanceof FlatbufferError)) throw error;
    throw mismatch(`its Arrow schema cannot be read: it ${error.message}`);
  }
}

/** But for what the output changes: ids of dictionaries, which must not be the same for two of `seen`, and Parquet's field ids. */
function isSameField(written: Row, expected: Row, seen: Set<bigint>): boolean {
  const [own, source] = [written, expected].map((field) => field[FIELD.dictionary] as Row | undefined);
  if (own !== undefined) {
    const id = (own[DICTIONARY.id] as bigint | undefined) ?? 0n;
    if (seen.has(id)) throw mismatch(`two categories share the dictionary ${id} in its Arrow schema`);
    seen.add(id);
  }
  const [children, sourceChildren] = [written, expected].map(
    (field) => (field[FIELD.children] as Row[] | undefined) ?? [],
  );
  return (
    [FIELD.name, FIELD.nullable, FIELD.typeId, FIELD.type].every((slot) => isSame(written[slot], expected[slot])) &&
    isSame(own?.slice(DICTIONARY.id + 1), source?.slice(DICTIONARY.id + 1)) &&
    isSame(metadataOf(written), metadataOf(expected)) &&
    children!.length === sourceChildren!.length &&
    children!.every((child, i) => isSameField(child, sourceChildren![i]!, seen))
  );
}

const metadataOf = (field: Row): Row[] =>
  ((field[FIELD.metadata] as Row[] | undefined) ?? []).filter(([key]) => !isFieldId(key));

/** isDeepStrictEqual() takes ten times as long. */
function isSame(a: unknown, b: unknown): boolean {
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b) === 0;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((value, i) => isSame(value, b[i]));
  return a === b;
}

interface PandasText {
  index_columns: unknown[];
  columns: { field_name: string }[];
}

function checkPandas(text: string, { checkpoints, keyNames, spine }: MergePlan): void {
  const whole = parse(text);
  const isKey = isDeepStrictEqual(whole.index_columns, keyNames);
  const range = { kind: 'range', name: null, start: 0, stop: spine.keys.values.length, step: 1 };
  if (!isKey && !isDeepStrictEqual(whole.index_columns, [range]))
    throw mismatch('its metadata of pandas has another index than its key or its rows');
  const own = new Map(whole.columns.map((column) => [column.field_name, column]));
  let found = 0;
  for (const { name, footer, columns: given } of checkpoints) {
    const { index_columns, columns } = parse(findKeyValue(footer.struct, PANDAS_KEY) ?? 'null');
    if (isKey !== isDeepStrictEqual(index_columns, keyNames))
      throw mismatch(`its metadata of pandas has another index than ${name}`);
    // It may name other columns, too: those of a table that the file was cut out of.
    const named = new Map(columns.map((column) => [column.field_name, column]));
    for (const column of given) {
      const written = own.get(column.name);
      if (written === undefined) continue;
      found++;
      if (!isDeepStrictEqual(written, named.get(column.name)))
        throw mismatch(`its metadata of pandas describes column ${column.name} otherwise than ${name}`);
    }
  }
  if (found + keyNames.filter((name) => own.has(name)).length !== whole.columns.length)
    throw mismatch('its metadata of pandas has columns that no checkpoint has');
}

function parse(text: string): PandasText {
  try {
    const { index_columns, columns } = JSON.parse(text) as PandasText;
    if (Array.isArray(index_columns) && Array.isArray(columns)) return { index_columns, columns };
  } catch {
    // Said below.
  }
  throw mismatch('metadata of pandas cannot be read');
}
