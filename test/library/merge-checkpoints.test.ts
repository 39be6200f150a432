/** The library as another package uses it: its example, its types, its errors, its end by a signal. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { mergeCheckpoints, MergeError } from '../../src/index.ts';
import { openCli } from '../cli/support.ts';
import { temporaryFolder } from '../support/parquet-by-sql.ts';

const run = promisify(execFile);
const CHECKOUT = join(import.meta.dirname, '..', '..');
const EXAMPLE = join(CHECKOUT, 'examples', 'merge-folder.mjs');
const TSC = join(CHECKOUT, 'node_modules', '.bin', 'tsc');

let samples = '';
let close = (): Promise<void> => Promise.resolve();
before(async () => {
  const cli = await openCli();
  close = () => cli.close();
  await cli.run('sample', '--out', 's', '--pairs', 'X', '--files', '4', '--columns', '5', '--rows', '2000');
  samples = join(cli.folder, 's', 'X');
});
after(() => close());

test('the example merges, and says what became of it', async (t) => {
  const folder = await temporaryFolder(t);
  const env = { ...process.env, WIDEMERGE_LOCK_FILE: join(folder, 'machine.lock') };
  const { stdout } = await run(process.execPath, [EXAMPLE, samples, join(folder, 'x.parquet')], { env });
  assert.match(stdout, /^merge \d+ of \d+ bytes$/m);
  assert.match(stdout, /4 files, 21 columns x \d+ rows, peak \d+ bytes, verified: bytes/);
  assert.deepEqual((await readdir(folder)).sort(), ['machine.lock', 'x.parquet', 'x.parquet.manifest.json']);
  const failed = await run(process.execPath, [EXAMPLE, folder, join(folder, 'y.parquet')], { env }).catch(
    (error: unknown) => error as { stderr: string },
  );
  assert.match(failed.stderr, /^ConfigInvalid: the output .* would be one of the files to merge/);
});

test('another package compiles against its types', async (t) => {
  const folder = await temporaryFolder(t);
  await mkdir(join(folder, 'node_modules'));
  await symlink(CHECKOUT, join(folder, 'node_modules', 'widemerge'));
  await writeFile(join(folder, 'package.json'), '{"type": "module"}');
  const program = (key: string): string =>
    `import { mergeCheckpoints, type MergeFigures } from 'widemerge';
     export const merged: Promise<MergeFigures> = mergeCheckpoints({ dir: 'a', out: 'b', key: ${key} });`;
  await writeFile(join(folder, 'right.ts'), program("'k'"));
  await writeFile(join(folder, 'wrong.ts'), program('7'));
  const flags = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext'];
  const compile = (file: string) => run(TSC, [...flags, file], { cwd: folder });
  await writeFile(join(folder, 'several.ts'), program("['k', 'l'] as const"));
  await compile('right.ts');
  await compile('several.ts');
  await assert.rejects(compile('wrong.ts'), { stdout: /TS2322.*number/ });
});

test('what is wrong with its options or its files is a typed error', async (t) => {
  const folder = await temporaryFolder(t);
  const out = join(folder, 'x.parquet');
  const typeOf = async (options: Partial<Parameters<typeof mergeCheckpoints>[0]>): Promise<string> => {
    const error: unknown = await mergeCheckpoints({ dir: samples, out, ...options }).catch((reason: unknown) => reason);
    assert.ok(error instanceof MergeError, String(error));
    return error.facts.type;
  };
  assert.equal(await typeOf({ engine: 'command' }), 'ConfigInvalid');
  assert.equal(await typeOf({ reference: 'a' }), 'ConfigInvalid');
  assert.equal(await typeOf({ rowGroupRows: 12.5 }), 'ConfigInvalid');
  assert.equal(await typeOf({ rowGroupRows: 10_000, engine: 'duckdb' }), 'ConfigInvalid');
  for (const wrong of [{ timeoutMs: '30m' }, { stallMs: NaN }, { verify: 'all' }, { engine: 'bogus' }, { timeout: 5 }])
    assert.equal(await typeOf(wrong as object), 'ConfigInvalid', JSON.stringify(wrong));
  assert.equal(await typeOf({ key: 'no_such_key' }), 'CheckpointInvalid');
  assert.equal(await typeOf({ key: ['interval_time', 'no_such_key'] }), 'CheckpointInvalid');
  assert.equal(await typeOf({ key: ['a', 'a'] }), 'ConfigInvalid');
  assert.equal(await typeOf({ key: [] }), 'ConfigInvalid');
  assert.equal(await typeOf({ dir: join(folder, 'nowhere') }), 'CheckpointInvalid');
  assert.equal(await typeOf({ memoryBytes: 1 }), 'ConfigInvalid');
});

test('an aborted merge throws the reason, and the next call goes on', async (t) => {
  const folder = await temporaryFolder(t);
  const options = { dir: samples, out: join(folder, 'x.parquet') };
  const stop = new AbortController();
  const reason = new Error('enough');
  await assert.rejects(
    mergeCheckpoints({ ...options, signal: stop.signal, onProgress: () => stop.abort(reason) }),
    reason,
  );
  assert.ok(!(await readdir(folder)).includes('x.parquet'));
  assert.equal((await mergeCheckpoints(options)).alreadyMerged, false);
  assert.equal((await mergeCheckpoints(options)).alreadyMerged, true);
});
