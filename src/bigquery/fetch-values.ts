/**
 * Columns in memory as a table function of DuckDB: its Parquet writer takes them from here, so that no second copy of them
 * exists. Vectors are filled by whole ranges through DuckDB's bindings: value by value it takes five times as long, with
 * nulls twenty times.
 */
import {
  BIGINT,
  BLOB,
  BOOLEAN,
  DOUBLE,
  DuckDBTableFunction,
  FLOAT,
  INTEGER,
  type DuckDBDataChunk,
  type DuckDBType,
} from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';
import type { Duckdb } from '../merge/duckdb.ts';
import type { BytesColumn, ReadColumn } from './read-columns.ts';

export interface ValueSource {
  /** What the query is to select from to get these rows of these columns; holds until the next call. */
  select: (columns: ReadColumn[], firstRow: number, rows: number) => string;
}

/** Vectors of DuckDB hold this many values. */
const VECTOR_ROWS = 2048;
const FUNCTION = 'fetched_values';

/** Gives the connection a table function, once. */
export function registerValues({ connection }: Duckdb): ValueSource {
  let columns: ReadColumn[] = [];
  let [next, end] = [0, 0];
  const nulls = new Uint8Array(VECTOR_ROWS / 8);
  const fill = (chunk: DuckDBDataChunk): void => {
    const rows = Math.min(VECTOR_ROWS, end - next);
    chunk.rowCount = rows;
    if (rows > 0) for (const [i, column] of columns.entries()) fillVector(chunk, i, column, next, rows, nulls);
    next += rows;
  };
  connection.registerTableFunction(
    DuckDBTableFunction.create({
      name: FUNCTION,
      bindFunction: (bind) => columns.forEach((column, i) => bind.addResultColumn(`c${i}`, typeOf(column))),
      initFunction: () => undefined,
      mainFunction: (_, chunk) => fill(chunk),
    }),
  );
  return {
    select: (wanted, firstRow, rows) => {
      columns = wanted;
      [next, end] = [firstRow, firstRow + rows];
      return `SELECT * FROM ${FUNCTION}()`;
    },
  };
}

function typeOf(column: ReadColumn): DuckDBType {
  if (column.kind === 'bytes') return BLOB;
  if (column.values instanceof Uint8Array) return BOOLEAN;
  if (column.values instanceof Int32Array) return INTEGER;
  if (column.values instanceof BigInt64Array) return BIGINT;
  return column.values instanceof Float32Array ? FLOAT : DOUBLE;
}

function fillVector(
  { chunk }: DuckDBDataChunk,
  index: number,
  column: ReadColumn,
  first: number,
  rows: number,
  validity: Uint8Array,
): void {
  const vector = duckdb.data_chunk_get_vector(chunk, index);
  if (column.nulls !== null) {
    for (let byte = 0; byte < validity.length; byte++) validity[byte] = ~bitsFrom(column.nulls, first + byte * 8);
    duckdb.vector_ensure_validity_writable(vector);
    duckdb.copy_data_to_vector_validity(vector, 0, validity.buffer as ArrayBuffer, 0, validity.length);
  }
  if (column.kind === 'bytes') fillBytes(vector, column, first, rows);
  else {
    const { buffer, byteOffset, BYTES_PER_ELEMENT: width } = column.values;
    duckdb.copy_data_to_vector(vector, 0, buffer as ArrayBuffer, byteOffset + first * width, rows * width);
  }
}

/** Eight bits of a bitmap from bit `start` on; beyond its end they are zero. */
function bitsFrom(bitmap: Uint8Array, start: number): number {
  const [byte, shift] = [start >> 3, start & 7];
  return ((bitmap[byte] ?? 0) >> shift) | ((bitmap[byte + 1] ?? 0) << (8 - shift));
}

function fillBytes(vector: duckdb.Vector, column: BytesColumn, first: number, rows: number): void {
  const { nulls, memory, block, offset, length } = column;
  for (let i = 0; i < rows; i++) {
    const row = first + i;
    if (nulls !== null && (nulls[row >> 3]! & (1 << (row & 7))) !== 0) continue;
    const start = offset[row]!;
    const bytes = length[row] === 0 ? NOTHING : memory.blocks[block[row]!]!.subarray(start, start + length[row]!);
    duckdb.vector_assign_string_element_len(vector, i, bytes);
  }
}

const NOTHING = new Uint8Array(0);
