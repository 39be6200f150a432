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
  VARCHAR,
  type DuckDBType,
  type DuckDBValue,
} from '@duckdb/node-api';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { sqlName, sqlText, type Duckdb } from './duckdb.ts';
import { unfitEngine } from './errors.ts';
import type { KeyType } from './keys.ts';
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
  const keyForm = describeType(plan.checkpoints[plan.spine.source ?? 0]!.key);
  try {
    for (const { name, path, key, columns } of plan.checkpoints) {
      const refuse = (column: string, what: string): Error =>
        unfitEngine(name, `column ${column} ${what}; use the backend local, which keeps it`, column);
      const nested = [key, ...columns].find((column) => column.nested);
      if (nested !== undefined) throw refuse(nested.name, 'is nested, which DuckDB may store in another way');
      if (describeType(key) !== keyForm)
        throw refuse(key.name, `is of type ${describeType(key)}, that of other files of type ${keyForm}`);
      const names = [key, ...columns].map((column) => sqlName(column.name));
      await run(
        `COPY (SELECT ${names.join(', ')} FROM ${readParquet(path)} LIMIT 0) TO ${sqlText(probe)} (FORMAT parquet)`,
      );
      const written = await readFooter(probe, probe);
      for (const [i, column] of [key, ...columns].entries()) {
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

/** Creates the table `spine (position, key)`; returns DuckDB's type of the key column in the output. */
export async function createSpineTable({ run, connection }: Duckdb, plan: MergePlan): Promise<string> {
  const { keys, type } = plan.spine;
  const { duckdbType, toValue } = valueMaker(type);
  await run(`CREATE TABLE spine (position INTEGER, key ${duckdbType.toString()})`);
  const appender = await connection.createAppender('spine');
  for (let start = 0; start < keys.values.length; start += VECTOR_ROWS) {
    const values = Array.from<bigint | string>(keys.values.slice(start, start + VECTOR_ROWS));
    const chunk = DuckDBDataChunk.create([INTEGER, duckdbType], values.length);
    chunk.setColumnValues(
      0,
      values.map((_, i) => start + i),
    );
    chunk.setColumnValues(1, values.map(toValue));
    appender.appendDataChunk(chunk);
  }
  appender.closeSync();
  const { path, key } = plan.checkpoints[plan.spine.source ?? 0]!;
  const described = await connection.runAndReadAll(`DESCRIBE SELECT ${sqlName(key.name)} FROM ${readParquet(path)}`);
  return described.getRowObjects()[0]!.column_type as string;
}

/** DuckDB's own values for keys: no conversion by SQL, which depends on time zones. */
function valueMaker(type: KeyType): { duckdbType: DuckDBType; toValue: (key: bigint | string) => DuckDBValue } {
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
      return { duckdbType: BIGINT, toValue: (key) => key };
    case 'text':
      return { duckdbType: VARCHAR, toValue: (key) => Buffer.from(key as string, 'latin1').toString('utf8') };
  }
}
