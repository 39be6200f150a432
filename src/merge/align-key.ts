import { BIGINT, BLOB, DuckDBBlobValue, DuckDBDataChunk, INTEGER } from '@duckdb/node-api';
import { join } from 'node:path';
import type { AlignDatabase } from './align.ts';
import { duckdbFailure } from './duckdb.ts';
import { formatNames } from './keys/key-tuples.ts';
import type { KeyValues } from './keys/key-values.ts';
import { CODEC } from './parquet/decompress.ts';
import { PHYSICAL } from './parquet/field-ids.ts';
import { viewName } from './parquet/physical-view.ts';
import type { Column } from './parquet/schema.ts';
import { writePart, type AlignedPart } from './write-part.ts';

export interface KeyPartRequest {
  /** Each as it stands in the output: name, physical type (INT32, INT64 or BYTE_ARRAY), logical type, and its values. */
  columns: { column: Column; keys: KeyValues }[];
  /** Rows of each row group of the output, each > 0. */
  rowGroupRows: number[];
  dir: string;
  partKey: string;
  database: AlignDatabase;
}

const VECTOR_ROWS = 2048;

/** Writes the key columns of a spine that no checkpoint has: one part per row group of the output. */
export async function writeKeyPart(request: KeyPartRequest): Promise<AlignedPart[]> {
  const { rowGroupRows, dir, partKey, database } = request;
  const columns = request.columns.map(({ column }) => column);
  const filled = request.columns.map(({ column, keys }) => ({ keys, physicalType: column.physicalType! }));
  const parts: AlignedPart[] = [];
  try {
    let firstRow = 0;
    for (const [rowGroup, rows] of rowGroupRows.entries()) {
      const start = firstRow;
      parts.push(
        await writePart({
          path: join(dir, `${partKey}-g${rowGroup}-key.parquet`),
          columns,
          rows,
          rowGroup,
          codec: CODEC.zstd,
          select: async () => {
            await fillKeys(database, filled, start, start + rows);
            return `SELECT ${columns.map((_, i) => viewName(i)).join(', ')} FROM key_values ORDER BY position`;
          },
          database,
        }),
      );
      firstRow += rows;
    }
    return parts;
  } catch (error) {
    throw duckdbFailure(error, `key ${formatNames(columns.map(({ name }) => name))}`);
  } finally {
    await database.connection.run('DROP TABLE IF EXISTS key_values');
  }
}

/** Makes the table `key_values` of the keys `start` to `end`: `position`, and `c0`, `c1`, ... as the physical types have them. */
export async function fillKeys(
  { run, connection }: AlignDatabase,
  columns: { keys: KeyValues; physicalType: number }[],
  start: number,
  end: number,
): Promise<void> {
  const types = columns.map(({ physicalType }) =>
    physicalType === PHYSICAL.int32 ? INTEGER : physicalType === PHYSICAL.int64 ? BIGINT : BLOB,
  );
  const described = types.map((type, i) => `${viewName(i)} ${type.toString()}`);
  await run(`CREATE OR REPLACE TABLE key_values (position INTEGER, ${described.join(', ')})`);
  const appender = await connection.createAppender('key_values');
  for (let at = start; at < end; at += VECTOR_ROWS) {
    const to = Math.min(at + VECTOR_ROWS, end);
    const chunk = DuckDBDataChunk.create([INTEGER, ...types], to - at);
    chunk.setColumnValues(
      0,
      Array.from({ length: to - at }, (_, i) => at + i),
    );
    for (const [i, { keys, physicalType }] of columns.entries())
      chunk.setColumnValues(1 + i, physicalKeys(keys, physicalType, at, to));
    appender.appendDataChunk(chunk);
  }
  appender.closeSync();
}

function physicalKeys(
  keys: KeyValues,
  physicalType: number,
  start: number,
  end: number,
): (number | bigint | DuckDBBlobValue)[] {
  if (keys.kind === 'text')
    return keys.values.slice(start, end).map((text) => new DuckDBBlobValue(Buffer.from(text, 'latin1')));
  const values = Array.from<bigint>(keys.values.subarray(start, end));
  // Unsigned keys are stored as the signed number of the same bits.
  return physicalType === PHYSICAL.int32
    ? values.map((value) => Number(BigInt.asIntN(32, value)))
    : values.map((value) => BigInt.asIntN(64, value));
}
