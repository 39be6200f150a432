import assert from 'node:assert/strict';
import { open, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { DuckDBInstance } from '@duckdb/node-api';
import { canGather } from '../../../src/merge/gather/can-gather.ts';
import { gatherParts } from '../../../src/merge/gather/gather-part.ts';
import { readFooter } from '../../../src/merge/parquet/footer.ts';
import { describeType } from '../../../src/merge/parquet/logical.ts';
import { readColumnValues, type PhysicalValues } from '../../../src/merge/parquet/values.ts';
import { temporaryPartPath } from '../../../src/merge/part-file.ts';
import { firstWrongRow, readWholeColumn } from '../../../src/merge/verify/values.ts';
import { runPython } from '../../support/python-env.ts';
import { temporaryFolder, writeParquet } from '../../support/parquet-by-sql.ts';

/** Gathers all columns that can be into one part for each row group; the parts under their final names. */
async function gather(path: string, dir: string, rowOf: Int32Array | null, rowGroupRows: number[]) {
  const footer = await readFooter(path, 'c.parquet');
  const columns = footer.columns.filter((column) => canGather(column, footer));
  const partPaths = rowGroupRows.map((_, group) => join(dir, `part-${group}.parquet`));
  const indexes = columns.map((column) => footer.columns.indexOf(column));
  const alone = { signal: undefined, onBytes: () => undefined };
  await gatherParts({ path, name: 'c.parquet', columns: indexes, rowOf, rowGroupRows, partPaths }, alone);
  for (const part of partPaths) await rename(temporaryPartPath(part), part);
  return { footer, columns, partPaths };
}

async function valuesOf(path: string, name: string): Promise<PhysicalValues> {
  const footer = await readFooter(path, path);
  const column = footer.columns.find((own) => own.name === name)!;
  await using handle = await open(path);
  return await readWholeColumn(handle, (await handle.stat()).size, footer, column, path);
}

test('every writer’s columns of fixed width: permuted, absent rows null, bit for bit, by other decoders', async (t) => {
  const dir = await temporaryFolder(t);
  const { files } = JSON.parse(await runPython('write_encodings.py', [dir])) as { files: string[] };
  const rowOf = Int32Array.from({ length: 3100 }, (_, i) => (i % 10 === 3 || i >= 3000 ? -1 : (i * 7919) % 3000));
  const taken = new Map<string, number>();
  for (const file of files) {
    const path = join(dir, file);
    const { columns, partPaths } = await gather(path, dir, rowOf, [1300, 1800]);
    taken.set(file, columns.length);
    if (columns.length === 0) continue;
    for (const [group, part] of partPaths.entries()) {
      const own = await readFooter(part, part);
      assert.deepEqual(own.columns.map(describeType), columns.map(describeType));
      await using handle = await open(part);
      const { size } = await handle.stat();
      for (const column of own.columns) {
        const source = await valuesOf(path, column.name);
        const written = await readColumnValues(handle, size, own, column, 0, part);
        assert.equal(firstWrongRow(source, written, rowOf, group * 1300), -1, `${file} ${column.name}`);
      }
    }
  }
  // All but text and bytes; nothing of codecs that are left to DuckDB, less where encodings are.
  assert.equal(taken.get('snappy-1.0-dictionary.parquet'), 14);
  assert.equal(taken.get('none-2.0-plain.parquet'), 14);
  assert.equal(taken.get('lz4-1.0-plain.parquet'), 0);
  assert.ok(taken.get('delta-1.0.parquet')! > 0 && taken.get('delta-1.0.parquet')! < 14);
});

test('rows of other row groups are not mapped, and what other readers see is the same', async (t) => {
  const dir = await temporaryFolder(t);
  const path = join(dir, 'c.parquet');
  const select = `SELECT range AS k, range % 7 AS few, random() AS x, CASE WHEN range % 3 = 0 THEN NULL ELSE range::FLOAT END AS f,
    range % 2 = 0 AS flag, (range % 100)::DECIMAL(9, 2) AS money, DATE '2024-01-01' + (range % 90)::INTEGER AS day,
    NULL::BIGINT AS nothing FROM range(9000)`;
  await writeParquet({ [path]: select }, ', ROW_GROUP_SIZE 2048, COMPRESSION snappy');
  const { partPaths } = await gather(path, dir, null, [4000, 4000, 1000]);
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const all = async (from: string): Promise<unknown[][]> =>
    (await connection.runAndReadAll(`FROM ${from}`)).getRowsJson();
  const parts = `read_parquet([${partPaths.map((part) => `'${part}'`).join(', ')}])`;
  assert.deepEqual(await all(parts), await all(`'${path}'`));
  // Bounds that a reader may go by, of what is in the part and not of what was in the file.
  const bounds = `SELECT path_in_schema, stats_min_value, stats_max_value, stats_null_count FROM parquet_metadata('${partPaths[1]}') WHERE path_in_schema IN ('k', 'day', 'f')`;
  assert.deepEqual((await connection.runAndReadAll(bounds)).getRowsJson(), [
    ['k', '4000', '7999', '0'],
    ['f', '4000.0', '7999.0', '1333'],
    ['day', '2024-01-01', '2024-03-30', '0'],
  ]);
  connection.closeSync();
  instance.closeSync();
});

test('bytes that are not what the format allows are the checkpoint’s fault, by name', async (t) => {
  const dir = await temporaryFolder(t);
  const path = join(dir, 'c.parquet');
  for (const codec of ['snappy', 'zstd', 'uncompressed']) {
    await writeParquet(
      { [path]: `SELECT range AS k, range % 50 AS few, random() AS x FROM range(5000)` },
      `, COMPRESSION ${codec}`,
    );
    const whole = await readFile(path);
    const { rowGroups } = await readFooter(path, path);
    for (const { start, length } of rowGroups[0]!.chunks)
      for (const at of [0, 3, 20, 40, Math.floor(length / 2)]) {
        const broken = Buffer.from(whole);
        for (let i = 0; i < 8; i++) broken[start + at + i]! ^= 0xff;
        await writeFile(path, broken);
        // It may be no more than another value.
        await gather(path, dir, null, [5000]).catch((error: unknown) => {
          assert.ok(error instanceof Error);
          assert.equal(error.name, 'CheckpointInvalid', error.stack);
          assert.match(error.message, /^c\.parquet: column (k|few|x) cannot be read: /);
        });
      }
  }
});

test('aborted, it stops between two columns with the reason', async (t) => {
  const dir = await temporaryFolder(t);
  const path = join(dir, 'c.parquet');
  await writeParquet({ [path]: 'SELECT range k, range a FROM range(10)' });
  const reason = new Error('stopped');
  const task = {
    path,
    name: 'c.parquet',
    columns: [1],
    rowOf: null,
    rowGroupRows: [10],
    partPaths: [join(dir, 'part')],
  };
  await assert.rejects(gatherParts(task, { signal: AbortSignal.abort(reason), onBytes: () => undefined }), reason);
});
