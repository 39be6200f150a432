import { createHash } from 'node:crypto';
import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fillKeys } from './align-key.ts';
import { openAlignDatabase } from './align.ts';
import { duckdbFailure } from './duckdb.ts';
import { sqlText } from './sql.ts';
import { hashFile } from './hash-file.ts';
import type { KeyValues } from './keys/key-values.ts';
import { PHYSICAL } from './parquet/field-ids.ts';
import type { StagedSpine } from './staging.ts';

export interface SpineRequest {
  keys: KeyValues;
  /** Exists. */
  folder: string;
  memoryBytes: number;
  signal: AbortSignal | undefined;
}

/** Writes the keys and their positions as a Parquet file, and fsyncs it. The same keys give the same bytes. */
export async function stageSpine({ keys, folder, memoryBytes, signal }: SpineRequest): Promise<StagedSpine> {
  const path = join(folder, 'spine.parquet');
  const database = await openAlignDatabase(folder, memoryBytes, signal);
  try {
    const physicalType = keys.kind === 'text' ? PHYSICAL.byteArray : PHYSICAL.int64;
    await fillKeys(database, [{ keys, physicalType }], 0, keys.values.length);
    await database.run(
      `COPY (SELECT position::BIGINT AS position, c0 AS key FROM key_values ORDER BY position) TO ${sqlText(path)} (FORMAT parquet, COMPRESSION zstd)`,
    );
  } catch (error) {
    throw duckdbFailure(error, path);
  } finally {
    database.close();
  }
  const handle = await open(path, 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
  const { size } = await stat(path);
  return {
    path,
    bytes: size,
    content: await contentOf(path, size, signal),
    keyType: keys.kind === 'text' ? 'byteArray' : 'int64',
    keyBytes: keyBytes(keys),
  };
}

/** True where the file on disk is the one that `spine` describes, byte for byte. */
export async function isSpineWhole({ path, bytes, content }: StagedSpine): Promise<boolean> {
  const size = await stat(path).then(
    (stats) => stats.size,
    () => null,
  );
  return size === bytes && (await contentOf(path, bytes, undefined)) === content;
}

async function contentOf(path: string, size: number, signal: AbortSignal | undefined): Promise<string> {
  const hash = createHash('sha256');
  await hashFile(path, size, hash, { onBytes: () => undefined, signal });
  return hash.digest('hex');
}

function keyBytes(keys: KeyValues): number {
  if (keys.kind === 'integer') return 8;
  return keys.values.reduce((sum, text) => sum + text.length, 0) / Math.max(keys.values.length, 1);
}
