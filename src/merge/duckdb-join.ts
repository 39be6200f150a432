/**
 * The plain SQL join of all files in DuckDB: what people try first, kept as an engine of its own. Its memory grows with
 * the number of columns, so it does run out; it says so at once and in words.
 */
import { open } from 'node:fs/promises';
import type { Duckdb } from './duckdb.ts';
import { duckdbFailure, firstLine, isUnreadable, openDuckdb } from './duckdb.ts';
import { sqlName, sqlText } from './sql.ts';
import { createSpineTable, refuseChangedTypes, readParquet, spineKey } from './duckdb-types.ts';
import { MergeFailure, unfitEngine } from './errors.ts';
import { MANIFEST_KEY } from './parquet/key-values.ts';
import type { MergePlan } from './plan.ts';

export interface JoinRequest {
  plan: MergePlan;
  /** Temporary path; replaced where it exists. */
  outputPath: string;
  /** Of the whole process: DuckDB gets three quarters of it, its Parquet writer and Node the rest. */
  memoryBytes: number;
  /** For small files while types are checked. Not for spilling. */
  tempDir: string;
  /** Bytes of input, estimated from DuckDB's own progress. */
  onProgress: (done: number, total: number) => void;
  signal?: AbortSignal | undefined;
}

const PROGRESS_MS = 500;

/**
 * Writes the join of all checkpoints, in the order of the spine, and fsyncs it. Throws MergeFailure EngineUnfit for
 * columns whose type DuckDB would change, CheckpointInvalid, MemoryExhausted, DiskFull, and the signal's reason.
 */
export async function joinWithDuckdb(
  request: JoinRequest,
): Promise<{ bytesOut: number; bytesCloned: number; bytesCopied: number }> {
  const { plan, outputPath, memoryBytes } = request;
  const duckdb = await openDuckdb({
    threads: 2,
    memoryBytes: Math.floor(memoryBytes * 0.75),
    // Nowhere to spill: hundreds of joins that do not fit spill for hours instead of failing within a second, and a
    // pair that fails at once is merged by another engine in that time.
    tempDirectory: '',
    signal: request.signal,
  });
  try {
    refuseNamesOfOneCase(plan);
    await refuseChangedTypes(duckdb, plan, request.tempDir);
    const keyTypes = await createSpineTable(duckdb, plan);
    await withProgress(duckdb, request, () => duckdb.run(joinQuery(plan, keyTypes, outputPath)));
  } catch (error) {
    if (isUnreadable(error))
      throw new MergeFailure(
        'CheckpointInvalid',
        `DuckDB cannot join the checkpoints: ${firstLine(error)}`,
        {},
        { cause: error },
      );
    throw duckdbFailure(error, outputPath);
  } finally {
    duckdb.close();
  }
  const bytesOut = await syncFile(outputPath);
  return { bytesOut, bytesCloned: 0, bytesCopied: bytesOut };
}

function joinQuery({ id, keyNames, checkpoints }: MergePlan, keyTypes: string[], outputPath: string): string {
  const ownKeys = keyNames.map((name, i) => `CAST(s.${spineKey(i)} AS ${keyTypes[i]!}) AS ${sqlName(name)}`);
  const columns = checkpoints.flatMap(({ columns }, i) => columns.map(({ name }) => `f${i}.${sqlName(name)}`));
  const joins = checkpoints.map(
    ({ path }, i) =>
      `LEFT JOIN ${readParquet(path)} f${i} ON ${keyNames.map((name, k) => `f${i}.${sqlName(name)} = s.${spineKey(k)}`).join(' AND ')}`,
  );
  return `COPY (
    SELECT ${[...ownKeys, ...columns].join(', ')}
    FROM spine s ${joins.join('\n')}
    ORDER BY s.position
  ) TO ${sqlText(outputPath)} (FORMAT parquet, COMPRESSION zstd, KV_METADATA {${sqlText(MANIFEST_KEY)}: ${sqlText(id)}})`;
}

/** DuckDB's names have no case: it would rename the second of two. */
function refuseNamesOfOneCase({ checkpoints }: MergePlan): void {
  const seen = new Map<string, string>();
  for (const [i, { name: file, keys, columns }] of checkpoints.entries())
    for (const { name } of i === 0 ? [...keys, ...columns] : columns) {
      const other = seen.get(name.toLowerCase());
      if (other !== undefined)
        throw unfitEngine(
          file,
          `column ${name} differs from ${other} in case only, which DuckDB cannot keep apart; use the backend local, or rename one`,
          name,
        );
      seen.set(name.toLowerCase(), name);
    }
}

async function withProgress(
  { connection }: Duckdb,
  { plan, onProgress }: JoinRequest,
  work: () => Promise<unknown>,
): Promise<void> {
  const total = plan.checkpoints.reduce((sum, { fingerprint }) => sum + fingerprint.size, 0);
  const timer = setInterval(() => {
    const { percentage } = connection.progress;
    if (percentage >= 0) onProgress(Math.floor((Math.min(percentage, 100) / 100) * total), total);
  }, PROGRESS_MS);
  try {
    await work();
    onProgress(total, total);
  } finally {
    clearInterval(timer);
  }
}

async function syncFile(path: string): Promise<number> {
  const handle = await open(path, 'r+');
  try {
    await handle.sync();
    return (await handle.stat()).size;
  } finally {
    await handle.close();
  }
}
