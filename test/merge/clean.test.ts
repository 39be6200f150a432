import assert from 'node:assert/strict';
import { appendFile, chmod, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { CleanMode } from '../../src/contract.ts';
import type { CleanReceipt, MergeMessage } from '../../src/merge/job.ts';
import { readManifest, writeManifest } from '../../src/merge/manifest.ts';
import { runSteps } from '../../src/merge/steps.ts';
import { manifestPath, workspacePath } from '../../src/merge/workspace.ts';
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

async function clean(output: string, mode: CleanMode, dir: string, signal?: AbortSignal): Promise<CleanReceipt> {
  const messages: MergeMessage[] = [];
  const job = mergeJob(dir, output, { steps: ['clean'], clean: mode });
  await runSteps(job, (message) => messages.push(message), signal);
  const last = messages.at(-1);
  assert.ok(last?.event === 'cleaned');
  return last.receipt;
}

test('keep removes nothing', async (t) => {
  const { dir, output } = await merged(t);
  assert.deepEqual(await clean(output, 'keep', dir), {
    mode: 'keep',
    files: 0,
    bytes: 0,
    keptFiles: 0,
    kept: [],
    restore: null,
  });
  assert.equal((await readdir(dir)).length, 3);
});

test('delete removes exactly what the manifest names, and again does nothing', async (t) => {
  const { dir, output } = await merged(t);
  await writeParquet({ [join(dir, 'd.parquet')]: 'SELECT 1 AS k' });
  const bytes = (await stat(join(dir, 'a.parquet'))).size;
  const receipt = await clean(output, 'delete', dir);
  assert.deepEqual(receipt, { mode: 'delete', files: 3, bytes: 3 * bytes, keptFiles: 0, kept: [], restore: null });
  assert.deepEqual(await readdir(dir), ['d.parquet']);
  assert.deepEqual(await clean(output, 'delete', dir), { ...receipt, files: 0, bytes: 0 });
});

test("files of another folder than the pair's are kept, whatever the manifest names", async (t) => {
  const { dir, output } = await merged(t);
  const receipt = await clean(output, 'delete', join(dir, '..'));
  assert.deepEqual([receipt.files, receipt.keptFiles, receipt.kept.length], [0, 3, 3]);
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
  assert.equal((await clean(output, 'delete', dir)).files, 2);
  assert.deepEqual(await readdir(dir), []);
});

test('trash moves, never over another file, and says how to bring them back', async (t) => {
  const { dir, output } = await merged(t);
  const trash = join(dir, '.trash', new Date().toISOString().slice(0, 10));
  await mkdir(trash, { recursive: true });
  await writeFile(join(trash, 'a.parquet'), 'of this morning');
  const receipt = await clean(output, 'trash', dir);
  assert.equal(receipt.files, 3);
  assert.match(receipt.restore ?? '', /^mv -n '.*EUR'\\''USD\/\.trash\/[-\d]+'\/\* '.*EUR'\\''USD'\/$/);
  assert.deepEqual(await readdir(dir), ['.trash']);
  assert.deepEqual((await readdir(trash)).sort(), ['1-a.parquet', 'a.parquet', 'b.parquet', 'c.parquet']);
  assert.equal(await readFile(join(trash, 'a.parquet'), 'utf8'), 'of this morning');
});

test('it is the same in the workspace that its guard has made for the lock, and takes that away', async (t) => {
  const { dir, output } = await merged(t);
  const workspace = workspacePath(output);
  await mkdir(workspace);
  await writeFile(join(workspace, 'lock'), 'pid 1');
  assert.equal((await clean(output, 'delete', dir)).files, 3);
  await assert.rejects(stat(workspace), { code: 'ENOENT' });
});

test('a cancelled cleaning stops between two files, and the next one does the rest', async (t) => {
  const { dir, output } = await merged(t);
  const reason = new Error('the operator has paused');
  const controller = new AbortController();
  const progress: MergeMessage[] = [];
  const job = mergeJob(dir, output, { steps: ['clean'], clean: 'delete' });
  const running = runSteps(
    job,
    (message) => {
      progress.push(message);
      controller.abort(reason);
    },
    controller.signal,
  );
  await assert.rejects(running, (error) => error === reason);
  const bytes = (await stat(join(dir, 'b.parquet'))).size;
  assert.deepEqual(progress, [
    { event: 'progress', step: 'clean', filesDone: 1, filesTotal: 3, bytesDone: bytes, bytesTotal: 3 * bytes },
  ]);
  assert.deepEqual((await readdir(dir)).sort(), ['b.parquet', 'c.parquet']);
  assert.equal((await clean(output, 'delete', dir)).files, 2);
});

test('what this user may not remove is kept and named', async (t) => {
  const { dir, output } = await merged(t);
  await chmod(join(dir, '..'), 0o755);
  await chmod(dir, 0o555);
  // Root may remove everything: it becomes somebody else for a moment.
  const isRoot = process.geteuid!() === 0;
  if (isRoot) process.seteuid!(65_534);
  const receipt = await clean(output, 'delete', dir).finally(() => isRoot && process.seteuid!(0));
  await chmod(dir, 0o755);
  assert.deepEqual([receipt.files, receipt.keptFiles], [0, 3]);
  assert.match(receipt.kept[0]!.reason, /^cannot be removed \(EACCES\); mend the folder's permissions$/);
  assert.equal((await readdir(dir)).length, 3);
});

test('a checkpoint that changed since, or is another file now, is kept and named', async (t) => {
  const { dir, output } = await merged(t);
  const path = (name: string): string => join(dir, `${name}.parquet`);
  await appendFile(path('a'), 'x');
  await rm(path('b'));
  await symlink(path('c'), path('b'));
  const receipt = await clean(output, 'delete', dir);
  assert.equal(receipt.files, 1);
  assert.deepEqual(receipt.kept, [
    { file: path('a'), reason: 'changed since it was merged' },
    { file: path('b'), reason: 'is a symbolic link' },
  ]);
});

test('nothing is removed for an output that was not verified', async (t) => {
  const { dir, output } = await merged(t, 'none');
  const receipt = await clean(output, 'delete', dir);
  assert.deepEqual([receipt.files, receipt.keptFiles, receipt.kept.length], [0, 3, 3]);
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
      await assert.rejects(clean(output, 'delete', dir), {
        name: 'OutputMismatch',
        message: /checkpoints are kept/,
      });
      assert.equal((await readdir(dir)).length, 3);
    });
});
