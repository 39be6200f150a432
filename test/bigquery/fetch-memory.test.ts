/** The process that reads back, under its guard: its memory is that of a few slices, whatever a table holds. */
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { runMergeProcess } from '../../src/backends/merge-process.ts';
import type { MergedPart } from '../../src/bigquery/merged-parts.ts';
import { openTestService, type TestService } from '../support/bigquery-service.ts';
import { fieldsOf, loadTable, planOf, writeMerged } from '../support/merged-tables.ts';
import { mergeJob, temporaryFolder, writeParquet } from '../support/parquet-by-sql.ts';

const ENTRY = join(import.meta.dirname, '..', '..', 'src', 'bigquery', 'process.ts');
const MIB = 1024 * 1024;
const ROWS = 50_000;
const FILES = 6;
const COLUMNS = 25;
const MEMORY = 256 * MIB;

let service: TestService;
before(async () => {
  service = await openTestService();
});
after(() => service[Symbol.asyncDispose]());

test('a table of more than its slices, in messages too large to be sent at once, within 256 MiB', async (t) => {
  const dir = await temporaryFolder(t);
  await mkdir(join(dir, 'merged'));
  const values = Array.from({ length: COLUMNS }, (_, i) => `(hash(range + ${i}) / 3e10)::DOUBLE AS x${i}`).join(', ');
  const files = Array.from({ length: FILES }, (_, i) => join(dir, `${i}.parquet`));
  for (const [i, file] of files.entries())
    await writeParquet(
      {
        [file]: `SELECT range AS k, COLUMNS('x(.*)') AS "f${i}_\\1" FROM (SELECT range, ${values} FROM range(${ROWS}))`,
      },
      ', ROW_GROUP_SIZE 1000000',
    );
  const job = mergeJob(dir, join(dir, 'merged', 'out.parquet'), { engine: 'bigquery', memoryBytes: MEMORY });
  const plan = await planOf(job);
  const part: MergedPart = { table: 'm_wide', slices: files.map((_, file) => ({ file, first: 0, count: COLUMNS })) };
  const joined = join(dir, 'joined');
  const columns = files.flatMap((_, f) => Array.from({ length: COLUMNS }, (_, i) => `x${i} AS c${f * COLUMNS + i}`));
  await writeParquet({
    [joined]: `SELECT range AS position, ${columns.join(', ')} FROM (SELECT range, ${values} FROM range(${ROWS}))`,
  });
  await loadTable(service, part.table, joined, fieldsOf(plan, part));
  await writeMerged(service, job, plan, [part]);
  const GIB = 2 ** 30;
  const context = {
    limits: { memoryBytes: GIB, killAboveBytes: GIB, timeoutMs: 600_000, stallMs: 60_000, graceMs: 1_000 },
    machineLock: join(dir, 'lock'),
  };
  const { figures } = await runMergeProcess({ ...job, steps: ['discover', 'merge'] }, context, ENTRY);
  assert.ok(figures!.peakBytes < MEMORY + 100 * MIB);
});
