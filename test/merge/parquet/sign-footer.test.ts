import assert from 'node:assert/strict';
import { open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { MANIFEST_KEY, readManifestId } from '../../../src/merge/parquet/key-values.ts';
import { signFooter } from '../../../src/merge/parquet/sign-footer.ts';
import { temporaryFolder, writeParquet } from '../../support/parquet-by-sql.ts';

async function sign(path: string, id: string): Promise<number | null> {
  const handle = await open(path, 'r+');
  try {
    return await signFooter(handle, id);
  } finally {
    await handle.close();
  }
}

test('a file is signed, and signed again, and keeps all else', async (t) => {
  const path = join(await temporaryFolder(t), 'a.parquet');
  await writeParquet({ [path]: 'SELECT range AS k FROM range(10)' }, `, KV_METADATA {own: 'stays'}`);
  const before = await readFile(path);
  for (const id of ['first', 'a longer one', '2']) {
    assert.equal(await sign(path, id), (await readFile(path)).length);
    assert.equal(await readManifestId(path), id);
  }
  const after = await readFile(path);
  const dataBytes = before.length - 8 - before.readUInt32LE(before.length - 8);
  assert.deepEqual(after.subarray(0, dataBytes), before.subarray(0, dataBytes));
  assert.ok(after.includes('stays'));
  assert.equal(after.toString('latin1').split(MANIFEST_KEY).length, 2);
});

test('what is no Parquet file is left as it is', async (t) => {
  const path = join(await temporaryFolder(t), 'a.parquet');
  await writeFile(path, 'PAR1 and something else');
  assert.equal(await sign(path, 'id'), null);
  assert.equal(await readFile(path, 'utf8'), 'PAR1 and something else');
});
