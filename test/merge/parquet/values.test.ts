import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { MergeFailure } from '../../../src/merge/errors.ts';
import { readFooter } from '../../../src/merge/parquet/footer.ts';
import { readColumnValues, type PhysicalValues } from '../../../src/merge/parquet/values.ts';
import { temporaryFolder, writeParquet } from '../../support/parquet-by-sql.ts';
import { runPythonJson } from '../../support/python-env.ts';

const WIDTHS = { i32: 4, i64: 8, bits: 1 } as const;

function addTo(hash: ReturnType<typeof createHash>, values: PhysicalValues): void {
  for (let row = 0; row < values.rows; row++) {
    if (values.nulls?.[row] === 1) {
      hash.update('N');
      continue;
    }
    hash.update('V');
    if (values.kind === 'bytes') hash.update(values.values[row]!);
    else {
      const width = WIDTHS[values.kind];
      const { buffer, byteOffset } = values.values;
      hash.update(new Uint8Array(buffer, byteOffset + row * width, width));
    }
  }
}

async function digestColumns(path: string): Promise<Record<string, string>> {
  const footer = await readFooter(path, path);
  const handle = await open(path);
  try {
    const { size } = await handle.stat();
    const digests: Record<string, string> = {};
    for (const column of footer.columns) {
      const hash = createHash('sha256');
      for (let group = 0; group < footer.rowGroups.length; group++)
        addTo(hash, await readColumnValues(handle, size, footer, column, group, path));
      digests[column.name] = hash.digest('hex');
    }
    return digests;
  } finally {
    await handle.close();
  }
}

test('every encoding, codec and page version gives the stored bits, NaN payloads included', async (t) => {
  const dir = await temporaryFolder(t);
  const { files, digests } = await runPythonJson<{ files: string[]; digests: Record<string, string> }>(
    'write_encodings.py',
    [dir],
  );
  assert.equal(files.length, 26);
  for (const file of files) assert.deepEqual(await digestColumns(join(dir, file)), digests, file);
});

test('a column whose bytes are garbage is named, whatever the bytes are', async (t) => {
  const dir = await temporaryFolder(t);
  const path = join(dir, 'a.parquet');
  await writeParquet({ [path]: "SELECT i::BIGINT AS k, 'text ' || (i % 100) AS s FROM range(5000) r(i)" });
  const footer = await readFooter(path, 'a.parquet');
  const column = footer.columns[1]!;
  const { start, length } = footer.rowGroups[0]!.chunks[1]!;
  const bytes = await readFile(path);
  // A fixed sequence: the same bytes fail in the same way each time.
  let state = 12345;
  const random = (): number => (state = (Math.imul(state, 1103515245) + 12345) >>> 0);
  let failures = 0;
  for (let round = 0; round < 60; round++) {
    const broken = Buffer.from(bytes);
    for (let i = 0; i < 8; i++) broken[start + (random() % (round < 30 ? 40 : length))] = random() & 0xff;
    await writeFile(path, broken);
    const handle = await open(path);
    try {
      await readColumnValues(handle, bytes.length, footer, column, 0, 'a.parquet');
    } catch (error) {
      assert.ok(error instanceof MergeFailure, String(error));
      assert.deepEqual(
        { type: error.facts.type, file: error.facts.file, column: error.facts.column },
        { type: 'CheckpointInvalid', file: 'a.parquet', column: 's' },
      );
      failures++;
    } finally {
      await handle.close();
    }
  }
  assert.ok(failures > 20, `${failures} of 60 were noticed`);
});

test('a footer that claims more rows than can be is no want of memory', async (t) => {
  const dir = await temporaryFolder(t);
  const path = join(dir, 'a.parquet');
  await writeParquet({ [path]: 'SELECT range AS k FROM range(10)' });
  const footer = await readFooter(path, path);
  footer.rowGroups[0]!.rows = 2 ** 35;
  const handle = await open(path);
  try {
    const { size } = await handle.stat();
    await assert.rejects(readColumnValues(handle, size, footer, footer.columns[0]!, 0, 'a.parquet'), (error) => {
      assert.ok(error instanceof MergeFailure);
      assert.equal(error.facts.type, 'CheckpointInvalid');
      assert.equal(error.facts.column, 'k');
      assert.match(error.message, /claims 34359738368 rows/);
      return true;
    });
  } finally {
    await handle.close();
  }
});
