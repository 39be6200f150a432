/** What BigQuery gives back is what the checkpoints hold: types of three writers, misaligned rows, three ways of choosing rows. */
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { MergeError } from '../../src/backends/backend.ts';
import { runMergeProcess } from '../../src/backends/merge-process.ts';
import { queryParts } from '../../src/bigquery/query-parts.ts';
import { stageTables } from '../../src/bigquery/stage-tables.ts';
import { tidyTables } from '../../src/bigquery/tidy-tables.ts';
import { defaultBigquery } from '../../src/config/load.ts';
import type { RowsMode } from '../../src/contract.ts';
import { workspacePath } from '../../src/merge/workspace.ts';
import { ledger } from '../bigquery/staged-pair.ts';
import { openTestService, type TestService } from '../support/bigquery-service.ts';
import { assertMerged } from '../support/compare-merged.ts';
import { mergeJob, temporaryFolder, writeParquet } from '../support/parquet-by-sql.ts';
import { runPython } from '../support/python-env.ts';

const GIB = 2 ** 30;
const KEY = 'interval_time';
const FETCH = fileURLToPath(new URL('../../src/bigquery/process.ts', import.meta.url));
const LIMITS = { memoryBytes: GIB, killAboveBytes: GIB, timeoutMs: 300_000, stallMs: 120_000, graceMs: 1_000 };

let service: TestService;
before(async () => (service = await openTestService()));
after(() => service[Symbol.asyncDispose]());

test('types of pyarrow, polars and DuckDB, in union, reference and intersection, value for value', async (t) => {
  const folder = await temporaryFolder(t);
  const sources = join(folder, 'sources');
  await runPython('write_types.py', [sources, '--plain']);
  // Other rows in another order: all columns once more, under other names.
  const of = `read_parquet('${join(sources, 'duckdb.parquet')}')`;
  await writeParquet({
    [join(sources, 'shuffled.parquet')]:
      `SELECT ${KEY}, COLUMNS(c -> c <> '${KEY}') AS 's_\\0' FROM ${of} WHERE epoch_us(${KEY}) // 60000000 % 7 > 0 ORDER BY hash(${KEY})`,
  });
  const context = { limits: LIMITS, machineLock: join(folder, 'machine.lock') };
  const { project, location, dataset } = service;
  const config = { ...defaultBigquery(), project, location, dataset, partitionColumns: 60 };
  for (const rows of ['union', 'reference', 'intersection'] as const satisfies RowsMode[]) {
    const merged = join(folder, rows);
    await mkdir(merged);
    const job = mergeJob(sources, join(merged, 'merged.parquet'), {
      ...{ engine: 'bigquery', key: KEY, rows },
      ...(rows === 'reference' && { reference: 'shuffled.parquet' }),
    });
    const request = { workspace: workspacePath(job.output.path), run: `types@${rows}`, pair: 'P', round: 0, config };
    const hooks = { purse: ledger() };
    await runMergeProcess({ ...job, steps: ['discover', 'prepare'] }, context);
    await stageTables(request, hooks);
    assert.ok((await queryParts(request, hooks)).parts > 1, 'it is cut');
    await runMergeProcess({ ...job, steps: ['discover', 'merge'] }, context, FETCH);
    await runMergeProcess({ ...job, steps: ['verify', 'publish'] }, context);
    await tidyTables(request, hooks);
    const options = { key: KEY, rows, ...(rows === 'reference' && { reference: 'shuffled.parquet' }) };
    const { columns } = await assertMerged(sources, job.output.path, options);
    assert.ok(columns > 80, `${columns}`);
  }
});

test('columns that BigQuery cannot give back are refused by name before anything is sent', async (t) => {
  const folder = await temporaryFolder(t);
  const sources = join(folder, 'sources');
  await runPython('write_types.py', [sources]);
  const job = mergeJob(sources, join(folder, 'merged.parquet'), { engine: 'bigquery', key: KEY });
  const context = { limits: LIMITS, machineLock: join(folder, 'machine.lock') };
  await assert.rejects(
    runMergeProcess({ ...job, steps: ['discover', 'prepare'] }, context),
    (error) =>
      error instanceof MergeError &&
      error.facts.type === 'EngineUnfit' &&
      /column duckdb_\w+ .*use the backend local/.test(error.message),
  );
});
