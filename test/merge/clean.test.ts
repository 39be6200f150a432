import assert from 'node:assert/strict';
import { appendFile, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { cleanSources } from '../../src/merge/clean.ts';
import { readManifest, writeManifest } from '../../src/merge/manifest.ts';
import { runSteps } from '../../src/merge/steps.ts';
import { manifestPath } from '../../src/merge/workspace.ts';
import { mergeJob, temporaryFolder, writeParquet } from '../support/parquet-by-sql.ts';

/** Three checkpoints, merged, verified and published. */
async function merged(t: TestContext, verify: 'bytes' | 'none' = 'bytes'): Promise<{ dir: string; output: string }> {
  const root = await temporaryFolder(t);
  const [dir, output] = [join(root, "EUR'USD"), join(root, 'out', 'EURUSD.parquet')];
  await mkdir(dir);
  await mkdir(join(root, 'out'));
  await writeParquet(
    Object.fromEntries(['a', 'b', 'c'].map((name) => [join(dir, `${name}.parquet`), `SELECT 1 AS k, 2 AS ${name}`])),
  );
  await runSteps(mergeJob(dir, output, { verify }), () => undefined);
  return { dir, output };
}

test('keep removes nothing', async (t) => {
  const { dir, output } = await merged(t);
  assert.deepEqual(await cleanSources(output, 'keep', dir), {
    mode: 'keep',
    files: 0,
    bytes: 0,
    kept: [],
    restore: null,
  });
  assert.equal((await readdir(dir)).length, 3);
});

test('delete removes exactly what the manifest names, and again does nothing', async (t) => {
  const { dir, output } = await merged(t);
  await writeParquet({ [join(dir, 'd.parquet')]: 'SELECT 1 AS k' });
  const bytes = (await stat(join(dir, 'a.parquet'))).size;
  const receipt = await cleanSources(output, 'delete', dir);
  assert.deepEqual(receipt, { mode: 'delete', files: 3, bytes: 3 * bytes, kept: [], restore: null });
  assert.deepEqual(await readdir(dir), ['d.parquet']);
  assert.deepEqual(await cleanSources(output, 'delete', dir), { ...receipt, files: 0, bytes: 0 });
});

test("files of another folder than the pair's are kept, whatever the manifest names", async (t) => {
  const { dir, output } = await merged(t);
  const receipt = await cleanSources(output, 'delete', join(dir, '..'));
  assert.deepEqual([receipt.files, receipt.kept.length], [0, 3]);
  assert.equal((await readdir(dir)).length, 3);
});

test('an output found published is read against its manifest again before its checkpoints may go', async (t) => {
  const { dir, output } = await merged(t);
  const discover = (recheckPublished: boolean): Promise<void> =>
    runSteps(mergeJob(dir, output, { steps: ['discover'], recheckPublished }), () => undefined);
  await discover(true);
  const bytes = await readFile(output);
  bytes[6]! ^= 1;
  await writeFile(output, bytes);
  await discover(false);
  await assert.rejects(discover(true), { name: 'OutputMismatch', message: /column \w+ have changed; .* are kept/ });
});

test('a cleaning that was cut short does the rest', async (t) => {
  const { dir, output } = await merged(t);
  await rm(join(dir, 'a.parquet'));
  assert.equal((await cleanSources(output, 'delete', dir)).files, 2);
  assert.deepEqual(await readdir(dir), []);
});

test('trash moves, never over another file, and says how to bring them back', async (t) => {
  const { dir, output } = await merged(t);
  const trash = join(dir, '.trash', new Date().toISOString().slice(0, 10));
  await mkdir(trash, { recursive: true });
  await writeFile(join(trash, 'a.parquet'), 'of this morning');
  const receipt = await cleanSources(output, 'trash', dir);
  assert.equal(receipt.files, 3);
  assert.match(receipt.restore ?? '', /^mv -n '.*EUR'\\''USD\/\.trash\/[-\d]+'\/\* '.*EUR'\\''USD'\/$/);
  assert.deepEqual(await readdir(dir), ['.trash']);
  assert.deepEqual((await readdir(trash)).sort(), ['1-a.parquet', 'a.parquet', 'b.parquet', 'c.parquet']);
  assert.equal(await readFile(join(trash, 'a.parquet'), 'utf8'), 'of this morning');
});

test('a checkpoint that changed since, or is another file now, is kept and named', async (t) => {
  const { dir, output } = await merged(t);
  const path = (name: string): string => join(dir, `${name}.parquet`);
  await appendFile(path('a'), 'x');
  await rm(path('b'));
  await symlink(path('c'), path('b'));
  const receipt = await cleanSources(output, 'delete', dir);
  assert.equal(receipt.files, 1);
  assert.deepEqual(receipt.kept, [
    { file: path('a'), reason: 'changed since it was merged' },
    { file: path('b'), reason: 'is a symbolic link' },
  ]);
});

test('nothing is removed for an output that was not verified', async (t) => {
  const { dir, output } = await merged(t, 'none');
  const receipt = await cleanSources(output, 'delete', dir);
  assert.deepEqual([receipt.files, receipt.kept.length], [0, 3]);
  assert.equal((await readdir(dir)).length, 3);
});

test('nothing is removed without its output and manifest, whole and of each other', async (t) => {
  const damages: Record<string, (output: string) => Promise<unknown>> = {
    'no output': (output) => rm(output),
    'no manifest': (output) => rm(manifestPath(output)),
    'a longer output': (output) => appendFile(output, 'x'),
    'a stranger of the same size': async (output) => writeFile(output, Buffer.alloc((await stat(output)).size)),
    'the manifest of another output': async (output) => {
      const manifest = await readManifest(manifestPath(output));
      await writeManifest(manifestPath(output), { ...manifest!, id: 'another' });
    },
  };
  for (const [what, damage] of Object.entries(damages))
    await t.test(what, async (t) => {
      const { dir, output } = await merged(t);
      await damage(output);
      await assert.rejects(cleanSources(output, 'delete', dir), {
        name: 'OutputMismatch',
        message: /checkpoints are kept/,
      });
      assert.equal((await readdir(dir)).length, 3);
    });
});
