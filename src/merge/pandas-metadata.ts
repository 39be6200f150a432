/**
 * The metadata that pandas and pyarrow leave under `pandas`: which columns are the index, and the type that each column had. One for the
 * output out of those of its sources; pure. Source: https://pandas.pydata.org/docs/development/developer.html
 */
import { isDeepStrictEqual } from 'node:util';
import type { WholeText } from './arrow/whole-schema.ts';

export const PANDAS_KEY = 'pandas';

interface PandasColumn {
  field_name: string;
  numpy_type: string;
}
interface Pandas {
  index_columns: unknown[];
  column_indexes: unknown[];
  columns: PandasColumn[];
  creator?: unknown;
  pandas_version?: unknown;
}

/** A column of a type that pandas does not know is one over which it reads none. */
const NUMPY_TYPE = new RegExp(
  `^(${[
    'bool|boolean|object|str|string|category|bytes',
    '(u?int|UInt|Int)(8|16|32|64)|(float|Float)(16|32|64)',
    String.raw`string\[(python|pyarrow|pyarrow_numpy)\]`,
    String.raw`(datetime64|timedelta64)\[(s|ms|us|ns)\]|datetime64\[(s|ms|us|ns), [\w/+:-]{1,64}\]`,
    String.raw`period\[(D|h|min|s|ms|us|ns|[BMQY]|[WQY]-[A-Z]{3})\]`,
    String.raw`interval\[(int64|float64|datetime64\[(s|ms|us|ns)\]), (left|right|both|neither)\]`,
    String.raw`(bool|u?int(8|16|32|64)|float|double|string|large_string|binary|date32\[day\]|(timestamp|duration)\[(s|ms|us|ns)\])\[pyarrow\]`,
  ].join('|')})$`,
);

/** What the index is: the key, or the numbers of the rows. */
type Index = 'key' | 'rows';

export interface PandasSource {
  name: string;
  /** Null where it has none. */
  text: string | null;
  /** Columns of the file. */
  fileColumns: number;
  /** Those that it gives to the output, in order, the key only where it is taken from here. */
  columns: string[];
  /** The integer key is of a width that no source has, and this is its type now. */
  made?: 'int64' | 'uint64';
}

/** An entry takes about 200 bytes, and twice the column's name. */
const BYTES_PER_COLUMN = 1024;
const BASE_BYTES = 16 * 1024;

/** As joinArrowSchemas. `rows`: of the output. */
export function joinPandas(sources: PandasSource[], keyNames: string[], rows: number): WholeText {
  if (sources.every(({ text }) => text === null)) return { text: null, note: null };
  const drop = (name: string, why: string): WholeText => ({
    text: null,
    note: `the output has no metadata of pandas (index, types), since that of ${name} ${why}`,
  });
  let first: { pandas: Pandas; index: Index } | undefined;
  let unknown: string | undefined;
  // As text: there may be tens of thousands.
  const entries: string[] = [];
  for (const { name, text, fileColumns, columns, made } of sources) {
    if (text === null) return drop(name, 'is missing');
    const pandas = parsePandas(text, BASE_BYTES + BYTES_PER_COLUMN * fileColumns);
    if (pandas === null) return drop(name, 'cannot be read');
    const index = indexOf(pandas, keyNames);
    if (index === null) return drop(name, 'has another index than the key or the numbers of the rows');
    first ??= { pandas, index };
    if (index !== first.index) return drop(name, `has another index than that of ${sources[0]!.name}`);
    if (!isDeepStrictEqual(pandas.column_indexes, first.pandas.column_indexes))
      return drop(name, `names its columns otherwise than that of ${sources[0]!.name}`);
    const byName = new Map(pandas.columns.map((entry) => [entry.field_name, entry]));
    for (const column of columns) {
      const entry = byName.get(column);
      if (entry === undefined || byName.size !== pandas.columns.length) return drop(name, `lacks the column ${column}`);
      const own = made === undefined ? entry : { ...entry, numpy_type: made, pandas_type: made };
      if (NUMPY_TYPE.test(own.numpy_type)) entries.push(JSON.stringify(own));
      else unknown ??= `${column} of ${name}`;
    }
  }
  const { pandas, index } = first!;
  const { column_indexes, creator, pandas_version } = pandas;
  const index_columns = index === 'key' ? keyNames : [{ kind: 'range', name: null, start: 0, stop: rows, step: 1 }];
  const head = JSON.stringify({ index_columns, column_indexes }).slice(0, -1);
  const tail = JSON.stringify({ attributes: {}, creator, pandas_version }).slice(1);
  return {
    text: `${head},"columns":[${entries.join(',')}],${tail}`,
    note: unknown === undefined ? null : `pandas reads ${unknown} as it sees fit: its metadata has an unknown type`,
  };
}

/** Null where it is none, or longer than `most` bytes. */
function parsePandas(text: string, most: number): Pandas | null {
  if (text.length > most) return null;
  try {
    const pandas = JSON.parse(text) as Partial<Pandas> | null;
    const isOne =
      Array.isArray(pandas?.index_columns) &&
      Array.isArray(pandas.columns) &&
      pandas.columns.every(isColumn) &&
      Array.isArray(pandas.column_indexes) &&
      pandas.column_indexes.every((axis) => isTyped(axis) && NUMPY_TYPE.test(axis.numpy_type));
    return isOne ? (pandas as Pandas) : null;
  } catch {
    return null;
  }
}

const isTyped = (value: unknown): value is { numpy_type: string } =>
  typeof value === 'object' && value !== null && 'numpy_type' in value && typeof value.numpy_type === 'string';
const isColumn = (value: unknown): value is PandasColumn =>
  isTyped(value) && 'field_name' in value && typeof value.field_name === 'string';

/** No index at all is that of the rows' numbers: pandas makes one. */
function indexOf({ index_columns: columns }: Pandas, keyNames: string[]): Index | null {
  if (columns.length === 0) return 'rows';
  if (isDeepStrictEqual(columns, keyNames)) return 'key';
  const [only] = columns;
  if (columns.length > 1) return null;
  if (typeof only !== 'object') return null;
  const plain = { kind: 'range', name: null, start: 0, stop: 0, step: 1 };
  return isDeepStrictEqual({ ...only, stop: 0 }, plain) ? 'rows' : null;
}
