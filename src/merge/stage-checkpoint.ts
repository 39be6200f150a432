/** What a checkpoint is to a backend that merges elsewhere: its physical view, and how its key becomes that of the spine. */
import { join } from 'node:path';
import { unfitEngine } from './errors.ts';
import { keyFactor, keyTypeOf, type KeyType } from './keys/key-values.ts';
import { PHYSICAL } from './parquet/field-ids.ts';
import { describeType } from './parquet/logical.ts';
import { codecOf, encodeViewFooter, viewName, viewObstacle } from './parquet/physical-view.ts';
import type { Column } from './parquet/schema.ts';
import type { Checkpoint } from './plan.ts';
import { codecObstacle, MOST_STAGED_COLUMNS } from './staged-limits.ts';
import type { StagedCheckpoint } from './staging.ts';
import { payloadBytes } from './survey.ts';

/** All that is known of a view before its bytes are read, and the bytes of its tail. */
export interface View {
  staged: Omit<StagedCheckpoint, 'content'>;
  tail: Uint8Array;
}

/** Of a checkpoint whose key has one column; `type` is that of the spine's keys. Throws EngineUnfit for columns that would not come back as they are, or be taken. */
export function viewOf(checkpoint: Checkpoint, type: KeyType, folder: string): View {
  const { index, name, path, fingerprint, footer, columns } = checkpoint;
  const key = checkpoint.keys[0]!;
  if (columns.length > MOST_STAGED_COLUMNS)
    throw unfitEngine(
      name,
      `it has ${columns.length} columns beside its key, and a table of BigQuery takes ${MOST_STAGED_COLUMNS}; use the backend local`,
    );
  for (const column of columns) refuseUnstageable(column, name);
  for (const column of [key, ...columns]) refuseUnloadable(checkpoint, column);
  const tail = encodeViewFooter(footer, [key, ...columns], ['key', ...columns.map((_, i) => viewName(i))]);
  const keyType = keyTypeOf(key, name);
  const staged = {
    name,
    path,
    fingerprint,
    tail: { path: join(folder, `${index}.tail`), bytes: tail.length },
    rows: footer.rows,
    key: {
      type: physicalName(key),
      unsigned32: key.physicalType === PHYSICAL.int32 && keyType.kind === 'integer' && !keyType.signed,
      factor: keyFactor(keyType, type).toString(),
    },
    columns: columns.map((column) => ({
      type: physicalName(column),
      name: column.name,
      described: describeType(column),
      payloadBytes: payloadBytes(checkpoint, column) / footer.rows,
    })),
  };
  return { staged, tail };
}

const physicalName = (column: Column): string => describeType(column).split(' ')[0]!;

function refuseUnstageable(column: Column, file: string): void {
  const obstacle = viewObstacle(column);
  if (obstacle !== null)
    throw unfitEngine(
      file,
      `its column ${column.name} is ${obstacle}, which BigQuery would not give back as it is; use the backend local`,
      column.name,
    );
}

function refuseUnloadable({ name, footer }: Checkpoint, column: Column): void {
  for (const { chunks } of footer.rowGroups) {
    const obstacle = codecObstacle(codecOf(chunks[column.firstLeaf]!));
    if (obstacle !== null)
      throw unfitEngine(
        name,
        `its column ${column.name} is ${obstacle}, which BigQuery does not load; use the backend local`,
        column.name,
      );
  }
}
