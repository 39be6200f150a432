import assert from 'node:assert/strict';
import { link, mkdir, readdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { readManifest, writeManifest, type Manifest } from '../../src/merge/manifest.ts';
import { MANIFEST_KEY, readManifestId } from '../../src/merge/parquet/key-values.ts';
import { publishOutput } from '../../src/merge/publish.ts';
import { manifestPath, workspacePath } from '../../src/merge/workspace.ts';
import { temporaryFolder, writeParquet } from '../support/parquet-by-sql.ts';

export function manifestOf(id: string, outputPath: string, bytes: number): Manifest {
  return {
    version: 1,
    id,
    createdAt: '2024-01-01T00:00:00.000Z',
    createdBy: 'test',
    engine: 'stitch',
    key: 'k',
    rows: 'union',
    reference: null,
    rowGroupRows: null,
    rowCount: 1,
    columnCount: 2,
    rowGroups: [1],
    output: { name: outputPath, bytes, footerCrc32: null, indexCrc32: null },
    sources: [],
    columns: [{ name: 'k', source: null, crc32: ['00000000'] }],
    verification: { mode: 'bytes', verifiedAt: '2024-01-01T00:00:00.000Z' },
    figures: {
      files: 1,
      rows: 1,
      columns: 2,
      aligned: 1,
      realigned: 0,
      bytesIn: 1,
      bytesOut: bytes,
      bytesCloned: 0,
      bytesCopied: 1,
      wallMs: 1,
      peakBytes: 1,
      verified: 'bytes',
      alreadyMerged: false,
    },
  };
}

interface Scene {
  outputPath: string;
  temporaryPath: string;
  manifest: Manifest;
}

/** A verified temporary output, ready to be published; its content says who wrote it. */
async function scene(t: TestContext, id = 'ours'): Promise<Scene> {
  const outputPath = join(await temporaryFolder(t), 'EURUSD.parquet');
  const temporaryPath = join(workspacePath(outputPath), 'output.parquet');
  await mkdir(dirname(temporaryPath));
  await writeOutput(temporaryPath, id);
  return { outputPath, temporaryPath, manifest: manifestOf(id, outputPath, (await stat(temporaryPath)).size) };
}

const writeOutput = (path: string, id: string): Promise<void> =>
  writeParquet({ [path]: `SELECT 1 AS k, '${id}' AS writer` }, `, KV_METADATA {'${MANIFEST_KEY}': '${id}'}`);

const publish = (request: Scene, replace = false): Promise<void> =>
  publishOutput({ ...request, replace, readManifestId });

async function assertPublished({ outputPath, manifest }: Scene): Promise<void> {
  assert.equal(await readManifestId(outputPath), manifest.id);
  assert.deepEqual(await readManifest(manifestPath(outputPath)), manifest);
  assert.deepEqual((await readdir(dirname(outputPath))).sort(), [
    '.EURUSD.parquet.widemerge',
    'EURUSD.parquet',
    'EURUSD.parquet.manifest.json',
  ]);
  assert.equal((await stat(outputPath)).nlink, 1);
}

test('output and manifest come to their final names; done again, nothing changes', async (t) => {
  const request = await scene(t);
  await publish(request);
  await assertPublished(request);
  const { ino } = await stat(request.outputPath);
  await publish(request);
  await assertPublished(request);
  assert.equal((await stat(request.outputPath)).ino, ino);
});

test('a publication that was cut short goes on, wherever it stopped', async (t) => {
  const crashes: Record<string, (request: Scene) => Promise<void>> = {
    'before the link': ({ temporaryPath, manifest }) =>
      writeManifest(join(dirname(temporaryPath), 'manifest.pending.json'), manifest),
    'a torn pending manifest': ({ temporaryPath }) =>
      writeFile(join(dirname(temporaryPath), 'manifest.pending.json'), '{"version": 1, "id'),
    'after the link': ({ temporaryPath, outputPath }) => link(temporaryPath, outputPath),
    'after the manifest': async ({ temporaryPath, outputPath, manifest }) => {
      await link(temporaryPath, outputPath);
      await writeManifest(manifestPath(outputPath), manifest);
    },
    'after the temporary file was removed': ({ temporaryPath, outputPath }) => rename(temporaryPath, outputPath),
    'an equal output of an earlier attempt': ({ outputPath, manifest }) => writeOutput(outputPath, manifest.id),
    'a second link for the replacement': ({ temporaryPath }) =>
      link(temporaryPath, join(dirname(temporaryPath), 'replacement.parquet')),
  };
  for (const [where, crash] of Object.entries(crashes))
    await t.test(where, async (t) => {
      const request = await scene(t);
      await crash(request);
      await publish(request);
      // The leftover second link is the workspace's, which is removed as a whole.
      await rm(join(dirname(request.temporaryPath), 'replacement.parquet'), { force: true });
      await assertPublished(request);
    });
});

test('a stranger at the output path stays untouched, whatever it is', async (t) => {
  const strangers: Record<string, (path: string) => Promise<unknown>> = {
    'a Parquet file': (path) => writeParquet({ [path]: 'SELECT 1 AS x' }),
    'the output of other inputs': (path) => writeOutput(path, 'theirs'),
    'no Parquet file': (path) => writeFile(path, 'precious'),
    'an empty file': (path) => writeFile(path, ''),
    'a folder': (path) => mkdir(path),
  };
  for (const [what, put] of Object.entries(strangers))
    await t.test(what, async (t) => {
      const request = await scene(t);
      await put(request.outputPath);
      const { ino, mtimeMs } = await stat(request.outputPath);
      await assert.rejects(publish(request), { name: 'OutputExists' });
      const after = await stat(request.outputPath);
      assert.deepEqual([after.ino, after.mtimeMs], [ino, mtimeMs]);
      assert.equal(await readManifest(manifestPath(request.outputPath)), null);
      assert.ok(await stat(request.temporaryPath));
    });
});

test('asked to, it replaces: the old manifest never stands beside the new output', async (t) => {
  const request = await scene(t);
  await writeOutput(request.outputPath, 'theirs');
  await writeManifest(manifestPath(request.outputPath), manifestOf('theirs', request.outputPath, 1));
  await publish(request, true);
  await assertPublished(request);
});

test('a temporary file that is not the one of its manifest is not published', async (t) => {
  const request = await scene(t);
  await truncate(request.temporaryPath, request.manifest.output.bytes - 1);
  await assert.rejects(publish(request), { name: 'OutputMismatch' });
  await assert.rejects(stat(request.outputPath), { code: 'ENOENT' });
});

test('an output in place that has its id but not its size is not taken for it', async (t) => {
  const request = await scene(t);
  await rename(request.temporaryPath, request.outputPath);
  const { output } = request.manifest;
  const manifest = { ...request.manifest, output: { ...output, bytes: output.bytes + 1 } };
  await assert.rejects(publish({ ...request, manifest }), /the merge step comes first/);
  assert.equal(await readManifest(manifestPath(request.outputPath)), null);
});

test('a folder that cannot take the output is named', async (t) => {
  const request = await scene(t);
  await assert.rejects(publish({ ...request, outputPath: join(dirname(request.outputPath), 'missing', 'x.parquet') }), {
    name: 'OutputUnwritable',
    message: /missing\/x\.parquet: cannot be put in place \(ENOENT\)/,
  });
  assert.equal(await readFile(request.temporaryPath, 'latin1').then((text) => text.slice(0, 4)), 'PAR1');
});

test('a file that is no manifest is not taken for one', async (t) => {
  const path = join(await temporaryFolder(t), 'x.manifest.json');
  assert.equal(await readManifest(path), null);
  for (const text of ['', '[]', '{"version": 2}']) {
    await writeFile(path, text);
    await assert.rejects(readManifest(path), { name: 'OutputExists' });
  }
});
