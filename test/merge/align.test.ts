import assert from 'node:assert/strict';
import { open, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { alignCheckpoint, openAlignDatabase, type AlignRequest } from '../../src/merge/align.ts';
import { writeKeyPart } from '../../src/merge/align-key.ts';
import type { AlignedPart } from '../../src/merge/write-part.ts';
import { readFingerprint } from '../../src/merge/fingerprint.ts';
import { CODEC } from '../../src/merge/parquet/decompress.ts';
import { readFooter } from '../../src/merge/parquet/footer.ts';
import { describeType } from '../../src/merge/parquet/logical.ts';
import { codecOf } from '../../src/merge/parquet/physical-view.ts';
import { readColumnValues } from '../../src/merge/parquet/values.ts';
import type { Checkpoint } from '../../src/merge/plan.ts';
import { readWholeColumn } from '../../src/merge/verify/values.ts';
import { temporaryFolder, writeParquet } from '../support/parquet-by-sql.ts';
import { runPython } from '../support/python-env.ts';

const MEMORY_BYTES = 1024 ** 3;

async function readCheckpoint(path: string): Promise<Checkpoint> {
  const footer = await readFooter(path, path);
  const [key, ...columns] = footer.columns;
  return {
    index: 0,
    name: 'c.parquet',
    path,
    fingerprint: readFingerprint(path),
    footer,
    keys: [key!],
    columns,
  };
}

async function align(
  dir: string,
  changes: Pick<AlignRequest, 'checkpoint' | 'rowOf' | 'rowGroupRows'>,
  memoryBytes = MEMORY_BYTES,
): Promise<AlignedPart[]> {
  const database = await openAlignDatabase(dir, memoryBytes);
  try {
    return await alignCheckpoint({ dir, partKey: 'part', database, ...changes });
  } finally {
    database.close();
  }
}

type Stored = string | number | bigint | null;
const readable = (value: unknown): Stored =>
  value instanceof Uint8Array ? Buffer.from(value).toString('hex') : (value as Stored);

async function sourceValues({ path, footer, columns }: Checkpoint): Promise<Map<string, Stored[]>> {
  const handle = await open(path);
  const values = new Map<string, Stored[]>();
  for (const column of columns) {
    const whole = await readWholeColumn(handle, (await handle.stat()).size, footer, column, path);
    values.set(
      column.name,
      Array.from({ length: whole.rows }, (_, row) => (whole.nulls?.[row] === 1 ? null : readable(whole.values[row]))),
    );
  }
  await handle.close();
  return values;
}

async function partValues(parts: AlignedPart[]): Promise<Map<string, Stored[]>> {
  const values = new Map<string, Stored[]>();
  for (const { path, footer, columns } of parts) {
    const handle = await open(path);
    const { size } = await handle.stat();
    for (const [i, column] of columns.entries()) {
      const part = await readColumnValues(handle, size, footer, footer.columns[i]!, 0, 'part');
      const sofar = values.get(column.name) ?? [];
      for (let row = 0; row < part.rows; row++) sofar.push(part.nulls?.[row] === 1 ? null : readable(part.values[row]));
      values.set(column.name, sofar);
    }
    await handle.close();
  }
  return values;
}

test('rows are permuted and absent ones null, bit for bit, with the types and names of the source', async (t) => {
  const dir = await temporaryFolder(t);
  await runPython('write_encodings.py', [dir]);
  const checkpoint = await readCheckpoint(join(dir, 'gzip-2.0-dictionary.parquet'));
  const rowOf = Int32Array.from({ length: 3100 }, (_, i) => (i % 10 === 3 || i >= 3000 ? -1 : (i * 7919) % 3000));
  const rowGroupRows = [1300, 1800];
  const parts = await align(dir, { checkpoint, rowOf, rowGroupRows });

  const expected = new Map(
    [...(await sourceValues(checkpoint))].map(([name, values]) => [
      name,
      Array.from(rowOf, (row) => (row < 0 ? null : values[row]!)),
    ]),
  );
  assert.deepEqual(await partValues(parts), expected);
  assert.deepEqual(
    parts.map(({ rowGroup, footer }) => [rowGroup, footer.rowGroups.map(({ rows }) => rows)]),
    [
      [0, [1300]],
      [1, [1800]],
    ],
  );
  for (const { footer, columns } of parts) {
    assert.deepEqual(footer.columns.map(describeType), columns.map(describeType));
    assert.deepEqual(
      footer.columns.map(({ name }) => name),
      columns.map(({ name }) => name),
    );
    assert.equal(codecOf(footer.rowGroups[0]!.chunks[0]!), CODEC.gzip);
  }
});

test('columns are cut into slices that fit the memory', async (t) => {
  const dir = await temporaryFolder(t);
  const path = join(dir, 'c.parquet');
  const columns = Array.from({ length: 40 }, (_, i) => `random() AS v${i}`);
  await writeParquet({ [path]: `SELECT range AS k, ${columns.join(', ')} FROM range(60000)` });
  const checkpoint = await readCheckpoint(path);
  const rowOf = Int32Array.from({ length: 60000 }, (_, i) => 59999 - i);
  const parts = await align(dir, { checkpoint, rowOf, rowGroupRows: [60000] }, 256 * 1024 ** 2);
  assert.ok(parts.length > 1, `${parts.length} slices`);
  assert.deepEqual(
    parts.flatMap((part) => part.columns),
    checkpoint.columns,
  );
  const last = parts.at(-1)!;
  const own = await sourceValues({ ...checkpoint, columns: last.columns });
  const reversed = new Map([...own].map(([name, values]) => [name, values.toReversed()]));
  assert.deepEqual(await partValues([last]), reversed);
});

test('whole parts are kept, torn and unsealed ones are written again, and nothing else stays', async (t) => {
  const dir = await temporaryFolder(t);
  const source = await temporaryFolder(t);
  const path = join(source, 'c.parquet');
  await writeParquet({ [path]: 'SELECT range AS k, range * 2 AS v FROM range(100)' });
  const request = {
    checkpoint: await readCheckpoint(path),
    rowOf: Int32Array.from({ length: 100 }, (_, i) => 99 - i),
    rowGroupRows: [50, 50],
  };
  const first = await align(dir, request);
  const inodes = async (): Promise<number[]> => Promise.all(first.map(async (part) => (await stat(part.path)).ino));
  const values = await partValues(first);
  const before = await inodes();
  const files = (await readdir(dir)).filter((name) => name !== 'spill').sort();
  assert.deepEqual(
    files,
    first.flatMap((part) => [part.path, `${part.path}.ok`].map((name) => name.slice(dir.length + 1))).sort(),
  );

  await align(dir, request);
  assert.deepEqual(await inodes(), before, 'kept');

  const torn = await readFile(first[1]!.path);
  torn[10]! ^= 1;
  await writeFile(first[1]!.path, torn);
  await writeFile(`${first[0]!.path}.ok`, '{"bytes": 1');
  assert.deepEqual(await partValues(await align(dir, request)), values);
  const after = await inodes();
  assert.ok(after.every((inode, i) => inode !== before[i]));
});

test('an abort while a part is written throws the reason, and leaves no part and no table behind', async (t) => {
  const dir = await temporaryFolder(t);
  const source = await temporaryFolder(t);
  const path = join(source, 'c.parquet');
  await writeParquet({ [path]: 'SELECT range AS k, range * 2 AS v FROM range(100)' });
  const controller = new AbortController();
  const reason = new Error('the operator has paused');
  const database = await openAlignDatabase(dir, MEMORY_BYTES, controller.signal);
  const run = (sql: string): Promise<void> => {
    const running = database.run(sql);
    if (sql.startsWith('COPY')) controller.abort(reason);
    return running;
  };
  const request = {
    checkpoint: await readCheckpoint(path),
    rowOf: Int32Array.from({ length: 100 }, (_, i) => 99 - i),
    rowGroupRows: [100],
  };
  try {
    const aligning = alignCheckpoint({ dir, partKey: 'part', database: { ...database, run }, ...request });
    await assert.rejects(aligning, (error) => error === reason);
    assert.deepEqual(
      (await readdir(dir)).filter((name) => name.endsWith('.ok') || name.endsWith('.view')),
      [],
    );
    await assert.rejects(database.connection.run('FROM row_map'), /row_map does not exist/);
  } finally {
    database.close();
  }
});

test('what DuckDB would change, or cannot read, is refused by name', async (t) => {
  const dir = await temporaryFolder(t);
  await runPython('write_encodings.py', [dir]);
  const path = join(dir, 'nested.parquet');
  await writeParquet({ [path]: 'SELECT range AS k, [range] AS li FROM range(10)' });
  await assert.rejects(
    align(dir, { checkpoint: await readCheckpoint(path), rowOf: new Int32Array(10), rowGroupRows: [10] }),
    (error: Error & { facts?: object }) => {
      assert.equal(error.name, 'CheckpointInvalid');
      assert.match(error.message, /^c\.parquet: .*column li is nested/);
      return true;
    },
  );
  // An encoding that DuckDB does not read for this type.
  const split = await readCheckpoint(join(dir, 'delta-1.0.parquet'));
  await assert.rejects(
    align(dir, { checkpoint: split, rowOf: new Int32Array(3000), rowGroupRows: [3000] }),
    /^CheckpointInvalid: c\.parquet: .*BYTE_STREAM_SPLIT/,
  );
});

test('a key that no checkpoint has is written in its own type', async (t) => {
  const dir = await temporaryFolder(t);
  const path = join(dir, 'c.parquet');
  await writeParquet({
    [path]: "SELECT 1::UINTEGER AS u, TIMESTAMPTZ '2024-01-01 00:00:00+00' AS ts, 'a' AS word",
  });
  const { columns } = await readFooter(path, path);
  const database = await openAlignDatabase(dir, MEMORY_BYTES);
  const write = async (index: number, keys: bigint[] | string[]): Promise<Map<string, Stored[]>> => {
    const parts = await writeKeyPart({
      columns: [
        {
          keys:
            typeof keys[0] === 'string'
              ? { kind: 'text', values: keys as string[] }
              : { kind: 'integer', values: BigInt64Array.from(keys as bigint[]) },
          column: columns[index]!,
        },
      ],
      rowGroupRows: [2, 1],
      dir,
      partKey: `key${index}`,
      database,
    });
    assert.equal(describeType(parts[0]!.footer.columns[0]!), describeType(columns[index]!));
    return partValues(parts);
  };
  try {
    assert.deepEqual(await write(0, [1n, 2n ** 32n - 1n, 7n]), new Map([['u', [1, -1, 7]]]));
    assert.deepEqual(await write(1, [-5n, 2n ** 60n, 0n]), new Map([['ts', [-5n, 2n ** 60n, 0n]]]));
    assert.deepEqual(await write(2, ['b', 'Ã©', '']), new Map([['word', ['62', 'c3a9', '']]]));
  } finally {
    database.close();
  }
});
