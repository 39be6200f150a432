/** One `ARROW:schema` for the output out of those of its sources; pure. */
import type { Column } from '../parquet/schema.ts';
import { fitsColumn } from './fit.ts';
import { FlatbufferError, type Row, type Rows } from './flatbuffer.ts';
import {
  ARROW_TYPE,
  DICTIONARY,
  encodeArrowSchema,
  FIELD,
  openArrowSchema,
  type ArrowSchema,
} from './schema-message.ts';

/** Of the columns of one file that go into the output. */
export interface SchemaSource {
  name: string;
  /** Its own `ARROW:schema`; null where it has none. */
  text: string | null;
  /** All columns of the file, and which of them are wanted; `optional`: it may lack values in the output. */
  columns: Column[];
  wanted: WantedColumn[];
}

export interface WantedColumn {
  column: Column;
  optional: boolean;
  /** The field of a column that no file has. */
  made?: Row;
}

export type WholeText = { text: string | null; note: string | null };

/** What a field may take on average; those of categories and extension types hold metadata of their own. */
const FIELD_BYTES = 1024;
const BASE_BYTES = 16 * 1024;

/**
 * No text where no source has one; none, and a note why, where one has none or one that does not describe its columns: readers
 * believe such a schema only if it is of all columns. `metadata`: of the output, to be had from the schema, too.
 */
export function joinArrowSchemas(sources: SchemaSource[], metadata: Record<string, string>): WholeText {
  if (sources.every(({ text }) => text === null)) return { text: null, note: null };
  const without = sources.find(({ text }) => text === null);
  const drop = (name: string, why: string): WholeText => ({
    text: null,
    note: `the output has no Arrow schema of its own (categories, durations, names of zones), since that of ${name} ${why}`,
  });
  if (without !== undefined) return drop(without.name, 'is missing');
  let current = sources[0]!.name;
  const length = sources.reduce((sum, { wanted }) => sum + wanted.length, 0);
  const rows: Rows = {
    length,
    *[Symbol.iterator]() {
      let dictionaries = 0n;
      for (const source of sources) {
        current = source.name;
        for (const field of sourceFields(source)) yield moveField(field, () => dictionaries++);
      }
    },
  };
  try {
    return { text: encodeArrowSchema(rows, metadata), note: null };
  } catch (error) {
    if (error instanceof FlatbufferError) return drop(current, error.message);
    throw error;
  }
}

/** The fields of the wanted columns as the source describes them, but for what the output changes. Throws FlatbufferError. */
export function* sourceFields({ text, columns, wanted }: SchemaSource): Generator<Row> {
  const schema = openSourceSchema(text!, columns);
  const positions = new Map(columns.map((column, i) => [column.name, i]));
  for (const { column, optional, made } of wanted) {
    if (made !== undefined) {
      yield made;
      continue;
    }
    const field = schema.field(positions.get(column.name)!);
    if (!fitsColumn(field, column)) throw new FlatbufferError(`does not describe column ${column.name}`);
    yield optional ? field.with(FIELD.nullable, 1) : field;
  }
}

function openSourceSchema(text: string, columns: Column[]): ArrowSchema {
  const elements = columns.reduce((sum, column) => sum + column.elements.length, 0);
  const schema = openArrowSchema(text, BASE_BYTES + FIELD_BYTES * elements);
  if (schema.length !== columns.length)
    throw new FlatbufferError(`has ${schema.length} fields for ${columns.length} columns`);
  return schema;
}

/** Ids of dictionaries must be unique in a schema, also where a writer has given all of them the same. A field id in the metadata is Parquet's, and stands in the footer. */
function moveField(field: Row, newId: () => bigint): Row {
  const moved = [...field];
  const dictionary = moved[FIELD.dictionary] as Row | undefined;
  if (dictionary !== undefined) moved[FIELD.dictionary] = dictionary.with(DICTIONARY.id, newId());
  const children = moved[FIELD.children] as Row[] | undefined;
  if (children !== undefined) moved[FIELD.children] = children.map((child) => moveField(child, newId));
  const metadata = moved[FIELD.metadata] as Row[] | undefined;
  if (metadata !== undefined) moved[FIELD.metadata] = metadata.filter(([key]) => !isFieldId(key));
  return moved;
}

export const isFieldId = (key: Row[number]): boolean =>
  key instanceof Uint8Array && Buffer.from(key).toString('latin1') === 'PARQUET:field_id';

/** The field of an integer column of 64 bits that no source has: the key of files whose keys differ in width. */
export const integerField = (name: string, signed: boolean): Row => [
  Buffer.from(name),
  1,
  ARROW_TYPE.int,
  [64, signed ? 1 : 0],
];
