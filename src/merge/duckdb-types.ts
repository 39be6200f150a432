import {
  BIGINT,
  DATE,
  DuckDBDataChunk,
  DuckDBDateValue,
  DuckDBTimestampNanosecondsValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  INTEGER,
  TIMESTAMP,
  TIMESTAMP_NS,
  TIMESTAMPTZ,
  UBIGINT,
  VARCHAR,
  type DuckDBType,
  type DuckDBValue,
} from '@duckdb/node-api';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Duckdb } from './duckdb.ts';
import { sqlName, sqlText } from './sql.ts';
import { unfitEngine } from './errors.ts';
import { unpackKeys } from './keys/key-tuples.ts';
import type { KeyType, KeyValue } from './keys/key-values.ts';
import { readFooter } from './parquet/footer.ts';
import { describeType } from './parquet/logical.ts';
import type { MergePlan } from './plan.ts';

/** Of one file: DuckDB takes a path that exists literally, `*` and `[` included; folders named `a=b` add no columns. */
export const readParquet = (path: string): string => `read_parquet(${sqlText(path)}, hive_partitioning = false)`;

/**
 * Throws EngineUnfit for the first column that DuckDB would write with another type than it was read with. It is
 * found by writing each file's columns without rows: so the rule is that of the DuckDB at hand, whatever its version.
 */
export async function refuseChangedTypes({ run }: Duckdb, plan: MergePlan, tempDir: string): Promise<void> {
  const probe = join(tempDir, 'types.parquet');
  const keyForms = plan.checkpoints[plan.spine.source ?? 0]!.keys.map(describeType);
  try {
    for (const { name, path, keys, columns } of plan.checkpoints) {
      const all = [...keys, ...columns];
      const refuse = (column: string, what: string): Error =>
        unfitEngine(name, `column ${column} ${what}; use the backend local, which keeps it`, column);
      const nested = all.find((column) => column.nested);
      if (nested !== undefined) throw refuse(nested.name, 'is nested, which DuckDB may store in another way');
      for (const [i, key] of keys.entries())
        if (describeType(key) !== keyForms[i])
          throw refuse(key.name, `is of type ${describeType(key)}, that of other files of type ${keyForms[i]!}`);
      const names = all.map((column) => sqlName(column.name));
      await run(
        `COPY (SELECT ${names.join(', ')} FROM ${readParquet(path)} LIMIT 0) TO ${sqlText(probe)} (FORMAT parquet)`,
      );
      const written = await readFooter(probe, probe);
      for (const [i, column] of all.entries()) {
        const before = describeType(column);
        const after = describeType(written.columns[i]!);
        if (before !== after) throw refuse(column.name, `is of type ${before}, which DuckDB would change to ${after}`);
      }
    }
  } finally {
    await rm(probe, { force: true });
  }
}

const VECTOR_ROWS = 2048;

/** Name of the column `index` of the key in the table `spine`. */
export const spineKey = (index: number): string => `k${index}`;

/** Creates the table `spine (position, k0, k1, ...)`; returns DuckDB's types of the key columns in the output. */
export async function createSpineTable({ run, connection }: Duckdb, plan: MergePlan): Promise<string[]> {
  const makers = plan.spine.types.map(valueMaker);
  const types = makers.map(({ duckdbType }) => duckdbType);
  const columns = unpackKeys(plan.spine.keys, plan.spine.types);
  const described = types.map((type, i) => `${spineKey(i)} ${type.toString()}`);
  await run(`CREATE TABLE spine (position INTEGER, ${described.join(', ')})`);
  const appender = await connection.createAppender('spine');
  const rows = plan.spine.keys.values.length;
  for (let start = 0; start < rows; start += VECTOR_ROWS) {
    const count = Math.min(VECTOR_ROWS, rows - start);
    const chunk = DuckDBDataChunk.create([INTEGER, ...types], count);
    chunk.setColumnValues(
      0,
      Array.from({ length: count }, (_, i) => start + i),
    );
    for (const [i, { values }] of columns.entries())
      chunk.setColumnValues(1 + i, Array.from<KeyValue>(values.slice(start, start + count)).map(makers[i]!.toValue));
    appender.appendDataChunk(chunk);
  }
  appender.closeSync();
  const { path, keys } = plan.checkpoints[plan.spine.source ?? 0]!;
  const names = keys.map(({ name }) => sqlName(name)).join(', ');
  const found = await connection.runAndReadAll(`DESCRIBE SELECT ${names} FROM ${readParquet(path)}`);
  return found.getRowObjects().map(({ column_type: type }) => type as string);
}

/** DuckDB's own values for keys: no conversion by SQL, which depends on time zones. */
function valueMaker(type: KeyType): { duckdbType: DuckDBType; toValue: (key: KeyValue) => DuckDBValue } {
  switch (type.kind) {
    case 'timestamp':
      if (type.unit === 'ns')
        return { duckdbType: TIMESTAMP_NS, toValue: (key) => new DuckDBTimestampNanosecondsValue(key as bigint) };
      return type.utc
        ? { duckdbType: TIMESTAMPTZ, toValue: (key) => new DuckDBTimestampTZValue(key as bigint) }
        : { duckdbType: TIMESTAMP, toValue: (key) => new DuckDBTimestampValue(key as bigint) };
    case 'date':
      return { duckdbType: DATE, toValue: (key) => new DuckDBDateValue(Number(key)) };
    case 'integer':
      return { duckdbType: type.signed ? BIGINT : UBIGINT, toValue: (key) => key };
    case 'text':
      return { duckdbType: VARCHAR, toValue: (key) => Buffer.from(key as string, 'latin1').toString('utf8') };
  }
}
