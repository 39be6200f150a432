import assert from 'node:assert/strict';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { refusalOf } from '../../src/bigquery/shape.ts';
import type { MergeJob, MergeMessage, Survey } from '../../src/merge/job.ts';
import { runSteps } from '../../src/merge/steps.ts';
import { workspacePath } from '../../src/merge/workspace.ts';
import { mergeJob, temporaryFolder, writeParquet } from '../support/parquet-by-sql.ts';

async function surveyOf(job: MergeJob): Promise<Survey> {
  const messages: MergeMessage[] = [];
  await runSteps({ ...job, steps: ['survey'] }, (message) => messages.push(message));
  const [only, ...others] = messages;
  assert.deepEqual(others, []);
  assert.equal(only?.event, 'surveyed');
  return only.survey;
}

test('counts columns by type, and neighbours that are alike as one', async (t) => {
  const dir = await temporaryFolder(t);
  const numbers = (name: string): string =>
    `SELECT range AS k, 0.5 AS ${name}1, 1::DOUBLE AS ${name}2, 'word' AS ${name}3`;
  await writeParquet({
    [join(dir, 'a.parquet')]: `${numbers('a')} FROM range(100)`,
    [join(dir, 'b.parquet')]: `${numbers('b')} FROM range(100)`,
    [join(dir, 'c.parquet')]: `${numbers('c')} FROM range(90)`,
  });
  const survey = await surveyOf(mergeJob(dir, join(dir, 'merged')));
  assert.equal(survey.files, 3);
  assert.equal(survey.columns, 10);
  assert.deepEqual(
    survey.types.map(({ type, file, column }) => `${type} in ${file} ${column}`),
    [
      'int32 decimal 2 1 in a.parquet a1',
      'double in a.parquet a2',
      'byteArray string in a.parquet a3',
      'int64 in a.parquet k',
    ],
  );
  assert.deepEqual(
    survey.shapes.map(({ files, rows, columns }) => [files, rows, ...columns.map((count) => count.columns)]),
    [
      [2, 100, 1, 1, 1],
      [1, 90, 1, 1, 1],
    ],
  );
  const text = survey.shapes[0]!.columns[2]!.payloadBytes;
  assert.ok(text > 0 && text <= 2 * 100 * 8, `${text} bytes`);
  assert.equal(refusalOf(survey), null);
});

test('types that BigQuery cannot give back are refused by name', async (t) => {
  for (const [sql, type] of [
    ['uuid()', 'fixedLenByteArray 16 uuid'],
    ['[range]', 'nested'],
    ['1::DECIMAL(38, 3)', 'fixedLenByteArray 16 decimal 38 3'],
  ] as const) {
    const dir = await temporaryFolder(t);
    await writeParquet({ [join(dir, 'a.parquet')]: `SELECT range AS k, 1 AS ok, ${sql} AS odd FROM range(9)` });
    const refusal = refusalOf(await surveyOf(mergeJob(dir, join(dir, 'merged'))));
    assert.ok(refusal?.startsWith(`a.parquet: column odd is of type ${type}, which`), `${refusal}`);
  }
  const dir = await temporaryFolder(t);
  await writeParquet({
    [join(dir, 'a.parquet')]: `SELECT range AS k, 1::UBIGINT AS u, TIMESTAMP_NS '2026-01-01' AS ns, 1::FLOAT AS f,
      true AS b, 1::DECIMAL(18, 3) AS d, 'x'::BLOB AS bytes, TIME '10:00:00' AS time, DATE '2026-01-01' AS date FROM range(9)`,
  });
  assert.equal(refusalOf(await surveyOf(mergeJob(dir, join(dir, 'merged')))), null);
});

test('codecs that BigQuery does not load, and files that are too wide for a table, are refused by name', async (t) => {
  const dir = await temporaryFolder(t);
  const job = mergeJob(dir, join(dir, 'merged'));
  const wide = (columns: number): string => Array.from({ length: columns }, (_, i) => `range AS w${i}`).join(', ');
  await writeParquet({ [join(dir, 'a.parquet')]: 'SELECT range AS k, range AS v FROM range(9)' }, ', COMPRESSION zstd');
  await writeParquet(
    { [join(dir, 'b.parquet')]: 'SELECT range AS k, range AS u FROM range(9)' },
    ', COMPRESSION lz4_raw',
  );
  await writeParquet({ [join(dir, 'c.parquet')]: `SELECT range AS k, ${wide(9_999)} FROM range(1)` });
  assert.equal(refusalOf(await surveyOf(job)), null);

  await writeParquet({ [join(dir, 'c.parquet')]: `SELECT range AS k, ${wide(10_000)} FROM range(1)` });
  assert.equal(
    refusalOf(await surveyOf(job)),
    'c.parquet: it has 10000 columns beside its key, and a table of BigQuery takes 9999; use the backend local',
  );
  await writeParquet(
    { [join(dir, 'b.parquet')]: 'SELECT range AS k, range AS u FROM range(9)' },
    ', COMPRESSION brotli',
  );
  assert.equal(
    refusalOf(await surveyOf(job)),
    'b.parquet: column k is compressed by Brotli, which BigQuery does not load; use the backend local',
  );
});

test('says where the same files are merged already, and leaves the workspace of a running merge alone', async (t) => {
  const dir = await temporaryFolder(t);
  await mkdir(join(dir, 'out'));
  await writeParquet({ [join(dir, 'a.parquet')]: 'SELECT range AS k, range AS v FROM range(7)' });
  const job = mergeJob(dir, join(dir, 'out', 'merged.parquet'));
  const workspace = workspacePath(job.output.path);
  await mkdir(workspace);
  await writeFile(join(workspace, 'lock'), '');
  assert.equal((await surveyOf(job)).alreadyMerged, null);
  assert.deepEqual(await readdir(workspace), ['lock']);
  await runSteps(job, () => undefined);
  const { alreadyMerged, columns } = await surveyOf(job);
  assert.equal(alreadyMerged?.rows, 7);
  assert.equal(columns, 2);
});
