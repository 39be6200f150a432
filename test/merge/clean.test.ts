import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import fs, {
  appendFile,
  chmod,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { basename, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
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

const TODAY = new Date().toISOString().slice(0, 10);

/** The trash folder of an output, if it is made today. */
async function trashOf(dir: string, output: string): Promise<string> {
  const { id } = (await readManifest(manifestPath(output)))!;
  return join(dir, '.trash', `${TODAY}-${id.slice(0, 12)}`);
}

test('trash moves, never over another file nor beside those of another output, and says how to bring them back', async (t) => {
  const { dir, output } = await merged(t);
  const trash = await trashOf(dir, output);
  const other = join(dir, '.trash', `${TODAY}-0123456789ab`);
  for (const folder of [trash, other]) {
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'a.parquet'), 'of this morning');
  }
  const receipt = await clean(output, 'trash', dir);
  assert.equal(receipt.files, 2);
  assert.deepEqual(receipt.kept, [
    { file: join(dir, 'a.parquet'), reason: `${join(trash, 'a.parquet')} is there already; move it away` },
  ]);
  assert.deepEqual((await readdir(dir)).sort(), ['.trash', 'a.parquet']);
  assert.deepEqual((await readdir(trash)).sort(), ['a.parquet', 'b.parquet', 'c.parquet']);
  assert.deepEqual(await readdir(other), ['a.parquet']);
  assert.equal(await readFile(join(trash, 'a.parquet'), 'utf8'), 'of this morning');
});

test('trash done again, on another day too, still knows the way back, and that brings back exactly what it took', async (t) => {
  const { dir, output } = await merged(t);
  const trash = await trashOf(dir, output);
  const yesterday = trash.replace(TODAY, '2001-02-03');
  await mkdir(yesterday, { recursive: true });
  await rename(join(dir, 'a.parquet'), join(yesterday, 'a.parquet'));
  const rest = await clean(output, 'trash', dir);
  assert.equal(rest.files, 2);
  const nothing = await clean(output, 'trash', dir);
  assert.deepEqual(nothing, { ...rest, files: 0, bytes: 0 });
  assert.deepEqual(await readdir(join(dir, '.trash')), [basename(yesterday)]);
  await promisify(execFile)('sh', ['-c', nothing.restore!]);
  assert.deepEqual((await readdir(dir)).sort(), ['.trash', 'a.parquet', 'b.parquet', 'c.parquet']);
  // Nothing is left to bring back, and nothing is said to be.
  for (const name of ['a', 'b', 'c']) await rm(join(dir, `${name}.parquet`));
  assert.equal((await clean(output, 'trash', dir)).restore, null);
});

test('a trash that is no folder of its own takes nothing', async (t) => {
  const { dir, output } = await merged(t);
  const elsewhere = await temporaryFolder(t);
  const trash = await trashOf(dir, output);
  const all = join(dir, '.trash');
  const trashes: Record<string, () => Promise<unknown>> = {
    'a link': () => symlink(elsewhere, all),
    'a link to nowhere': () => symlink(join(elsewhere, 'none'), all),
    'a file': () => writeFile(all, 'rubbish'),
    'a link in it': () => mkdir(all).then(() => symlink(elsewhere, trash)),
  };
  for (const [what, lay] of Object.entries(trashes))
    await t.test(what, async () => {
      await lay();
      const receipt = await clean(output, 'trash', dir);
      assert.deepEqual([receipt.files, receipt.keptFiles, receipt.restore], [0, 3, null]);
      assert.match(receipt.kept[0]!.reason, /\.trash\S* is not a folder; move it away$/);
      assert.deepEqual(await readdir(elsewhere), []);
      assert.equal((await readdir(dir)).length, 4);
      await rm(all, { recursive: true });
    });
});

test('what cannot be moved at this moment is kept, and not called gone', async (t) => {
  const { dir, output } = await merged(t);
  const trash = await trashOf(dir, output);
  const refuse = (code: string) => (): Promise<never> => Promise.reject(Object.assign(new Error(code), { code }));
  const move = fs.rename;
  const renames: [reason: RegExp, rename: typeof fs.rename][] = [
    [/^\.trash is on another file system; move it away$/, refuse('EXDEV')],
    [/^\.trash is not a folder; move it away$/, refuse('ENOTDIR')],
    [/^\.trash is not a folder; move it away$/, refuse('EEXIST')],
    [
      /^its trash .* has vanished; clean again$/,
      async (...args) => (await rm(trash, { recursive: true }), move(...args)),
    ],
  ];
  const restoreRename = (): void => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  };
  t.after(restoreRename);
  for (const [reason, rename] of renames) {
    t.mock.method(fs, 'rename', rename);
    syncBuiltinESMExports();
    const receipt = await clean(output, 'trash', dir);
    assert.deepEqual([receipt.files, receipt.keptFiles, receipt.restore], [0, 3, null]);
    assert.match(receipt.kept[0]!.reason, reason);
    restoreRename();
  }
  // Gone means gone.
  await rm(join(dir, 'a.parquet'));
  const { files, keptFiles } = await clean(output, 'trash', dir);
  assert.deepEqual([files, keptFiles], [2, 0]);
  assert.deepEqual((await readdir(trash)).sort(), ['b.parquet', 'c.parquet']);
});

test('an id that is a path leads nowhere else', async (t) => {
  const { dir, output } = await merged(t);
  const manifest = (await readManifest(manifestPath(output)))!;
  const id = '/../../elsewhere'.padEnd(manifest.id.length, 'x');
  await writeManifest(manifestPath(output), { ...manifest, id });
  await writeFile(output, (await readFile(output, 'latin1')).replaceAll(manifest.id, id), 'latin1');
  assert.equal((await clean(output, 'trash', dir)).files, 3);
  assert.deepEqual(await readdir(dir), ['.trash']);
});

test('a trash that somebody empties meanwhile is no failure', async (t) => {
  const { dir, output } = await merged(t);
  const job = mergeJob(dir, output, { steps: ['clean'], clean: 'trash' });
  const messages: MergeMessage[] = [];
  await runSteps(job, (message) => {
    messages.push(message);
    if (message.event === 'progress') rmSync(join(dir, '.trash'), { recursive: true });
  });
  const last = messages.at(-1);
  assert.ok(last?.event === 'cleaned');
  assert.deepEqual([last.receipt.files, last.receipt.keptFiles, last.receipt.restore], [3, 0, null]);
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

test('what this user may not remove, or move, is kept and named', async (t) => {
  const { dir, output } = await merged(t);
  const trash = join(dir, '.trash');
  await mkdir(trash);
  await chmod(join(dir, '..'), 0o755);
  for (const [mode, closed] of [
    ['delete', dir],
    ['trash', trash],
  ] as const) {
    await chmod(closed, closed === dir ? 0o555 : 0o600);
    // Root may remove everything: it becomes somebody else for a moment.
    const isRoot = process.geteuid!() === 0;
    if (isRoot) process.seteuid!(65_534);
    const receipt = await clean(output, mode, dir).finally(() => isRoot && process.seteuid!(0));
    await chmod(closed, 0o755);
    assert.deepEqual([receipt.files, receipt.keptFiles, receipt.restore], [0, 3, null]);
    assert.match(receipt.kept[0]!.reason, /^cannot be removed \(EACCES\); mend the folder's permissions$/);
    assert.equal((await readdir(dir)).length, 4);
  }
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
