/** Five engines, one set of files: the same values; and types that an engine keeps, or refuses by name. */
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { MergeError } from '../../src/backends/backend.ts';
import { createBackends } from '../../src/backends/index.ts';
import type { BackendName } from '../../src/contract.ts';
import type { MergeFigures } from '../../src/payloads.ts';
import { compareMerged } from '../support/compare-merged.ts';
import { mergeJob, temporaryFolder, writeParquet } from '../support/parquet-by-sql.ts';
import { runPython } from '../support/python-env.ts';

const GIB = 2 ** 30;
const LIMITS = { memoryBytes: 4 * GIB, killAboveBytes: 4 * GIB, timeoutMs: 300_000, stallMs: 120_000, graceMs: 1_000 };
const SCRIPTS = ['polars', 'dask', 'pandas'] as const;

async function mergeBy(engine: BackendName, folder: string, changes: object = {}): Promise<[string, MergeFigures]> {
  await mkdir(join(folder, 'out'), { recursive: true });
  const output = join(folder, 'out', `${engine}.parquet`);
  const job = mergeJob(join(folder, 'sources'), output, { key: 'interval_time', memoryBytes: 4 * GIB, ...changes });
  const context = { limits: LIMITS, machineLock: join(folder, 'machine.lock') };
  return [output, await createBackends()[engine].merge(job, context)];
}

test('60 files, some of other rows, orders and row groups: five engines give the same values', async (t) => {
  const folder = await temporaryFolder(t);
  const shape = ['--files', '60', '--columns', '300', '--rows', '2500', '--kinds', 'numbers'];
  const ways = ['--misaligned', '0.2', '--ways', 'fewer,order,layout,shifted', '--row-group-rows', '2048'];
  await runPython('write_checkpoints.py', [join(folder, 'sources'), ...shape, ...ways]);
  const outputs: string[] = [];
  for (const engine of ['local', 'duckdb', ...SCRIPTS] as const) {
    const [output, figures] = await mergeBy(engine, folder);
    assert.equal(figures.verified, engine === 'local' ? 'bytes' : 'full');
    outputs.push(output);
  }
  for (const comparison of await compareMerged(join(folder, 'sources'), outputs, { implied: 'same' }))
    assert.ok(comparison.ok && comparison.compared > 700_000, JSON.stringify(comparison));
});

test('types of three writers are kept, NaN and null, zones and units too; rows by the reference', async (t) => {
  const folder = await temporaryFolder(t);
  const sources = join(folder, 'sources');
  await runPython('write_types.py', [sources, '--common']);
  await writeParquet({
    [join(sources, 'shuffled.parquet')]:
      `SELECT interval_time::TIMESTAMP_S::TIMESTAMPTZ AS interval_time, COLUMNS(c -> c <> 'interval_time') AS 's_\\0' FROM '${join(sources, 'duckdb.parquet')}' WHERE epoch_us(interval_time) // 60000000 % 7 > 0 ORDER BY hash(interval_time)`,
  });
  for (const engine of SCRIPTS)
    for (const reference of [null, 'shuffled.parquet']) {
      await mkdir(join(folder, 'out'), { recursive: true });
      const rows = reference === null ? 'union' : 'reference';
      const [output] = await mergeBy(engine, folder, { rows, reference, ...outputOf(folder, engine, rows) });
      const [comparison] = await compareMerged(sources, [outputOf(folder, engine, rows).output.path], {
        rows,
        implied: 'same',
        ...(reference !== null && { reference }),
      });
      assert.ok(comparison?.ok, `${engine} ${rows} ${output}: ${JSON.stringify(comparison)}`);
    }
});

const outputOf = (folder: string, engine: string, rows: string) => ({
  output: { path: join(folder, 'out', `${engine}-${rows}.parquet`), replace: false },
});

test('a type that an engine would change is refused by name before it runs', async (t) => {
  const folder = await temporaryFolder(t);
  await mkdir(join(folder, 'sources'));
  await writeParquet({
    [join(folder, 'sources', 'a.parquet')]: `SELECT range AS interval_time, 1.50::DECIMAL(9, 2) AS price FROM range(5)`,
  });
  for (const engine of SCRIPTS)
    await assert.rejects(mergeBy(engine, folder), (error) => {
      assert.ok(error instanceof MergeError);
      assert.equal(error.facts.type, 'EngineUnfit');
      assert.match(
        error.message,
        /^a\.parquet: column price is of type int32 decimal 9 2, which \w+ may not keep; use the/,
      );
      return true;
    });
});
