import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { runMergeProcess } from '../../backends/merge-process.ts';
import { GRACE_MS } from '../../config/rules.ts';
import { formatCount } from '../../config/units.ts';
import type { RunConfig } from '../../payloads.ts';

const LIMITS = {
  memoryBytes: 2 ** 30,
  killAboveBytes: 2 ** 30,
  timeoutMs: 300_000,
  stallMs: 60_000,
  graceMs: GRACE_MS,
};

/** Merges the pair's checkpoints again with the local engine, and says whether both outputs hold the same. */
export async function compareWithLocal(stage: { folder: string; config: RunConfig }, pair: string): Promise<string> {
  const { folder, config } = stage;
  const path = join(folder, 'compared', `${pair}.parquet`);
  await mkdir(join(folder, 'compared'), { recursive: true });
  await runMergeProcess(
    {
      steps: ['discover', 'merge', 'verify', 'publish'],
      source: { dir: join(config.root, pair), root: config.root, pattern: config.checkpoints.pattern, expected: null },
      output: { path, replace: false },
      ...{ key: config.key, rows: config.rows, reference: config.reference, engine: 'stitch', verify: config.verify },
      memoryBytes: LIMITS.memoryBytes,
    },
    { limits: LIMITS, machineLock: join(folder, 'machine.lock') },
  );
  const { values, different } = await countDifferences(join(config.output, `${pair}.parquet`), path);
  if (different > 0) throw new Error(`${pair}: ${different} values of ${values} differ from the local engine's`);
  return `${pair} merged again by local: all ${formatCount(values)} values, their types and their order are the same`;
}

/** By position: of each column how many values differ; NaN is NaN, null is null. */
async function countDifferences(one: string, other: string): Promise<{ values: number; different: number }> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '2' });
  const connection = await instance.connect();
  try {
    const ask = async (sql: string) => (await connection.runAndReadAll(sql)).getRowObjects();
    const file = (path: string): string => `read_parquet('${path.replaceAll("'", "''")}')`;
    const [left, right] = await Promise.all(
      [one, other].map((path) => ask(`SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM ${file(path)})`)),
    );
    if (JSON.stringify(left) !== JSON.stringify(right))
      throw new Error(`${one} and ${other} have other columns or types`);
    const counts = left!.map(({ column_name: name }) => {
      const column = `"${String(name).replaceAll('"', '""')}"`;
      return `count(*) FILTER (a.${column} IS DISTINCT FROM b.${column})`;
    });
    const [row] = await ask(
      `SELECT count(*) AS n, ${counts.join(' + ')} AS different FROM ${file(one)} a POSITIONAL JOIN ${file(other)} b`,
    );
    return { values: Number(row!.n) * left!.length, different: Number(row!.different) };
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
