/** A merge by a user who may not do what it takes: told in one line, nothing is left. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { temporaryFolder, writeParquet } from '../support/parquet-by-sql.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts');
const NOBODY = ['--reuid=65534', '--regid=65534', '--clear-groups'];
const skip = process.getuid?.() === 0 ? false : 'not root';

interface Setting {
  folder: string;
  sources: string;
  out: string;
  lockFile: string;
  merge: () => Promise<{ code: number | null; stderr: string }>;
}

/** Root's folder, that all may read: a user has the lock file and the output's folder only where the test gives them. */
async function setUp(t: TestContext): Promise<Setting> {
  const folder = await temporaryFolder(t);
  chmodSync(folder, 0o755);
  const [sources, out, home] = ['sources', 'out', 'home'].map((name) => join(folder, name)) as [string, string, string];
  for (const each of [sources, out, home]) mkdirSync(each);
  chmodSync(home, 0o777);
  await writeParquet({
    [join(sources, 'a.parquet')]: 'SELECT range AS k, range / 3 AS a FROM range(50)',
    [join(sources, 'b.parquet')]: 'SELECT range AS k, range * 2 AS b FROM range(50)',
  });
  const lockFile = join(folder, 'machine.lock');
  const env = { ...process.env, HOME: home, TMPDIR: home, WIDEMERGE_LOCK_FILE: lockFile };
  const words = [MAIN, 'merge', sources, '--out', join(out, 'merged.parquet'), '--key', 'k'];
  const merge: Setting['merge'] = () =>
    new Promise((resolve) => {
      execFile('setpriv', [...NOBODY, process.execPath, ...words], { env }, (error, _, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code), stderr }),
      );
    });
  return { folder, sources, out, lockFile, merge };
}

test('a lock file that may only be read is enough', { skip }, async (t) => {
  const { out, lockFile, merge } = await setUp(t);
  chmodSync(out, 0o777);
  writeFileSync(lockFile, '');
  const { code, stderr } = await merge();
  assert.equal(code, 0, stderr);
});

test('a lock file that may not be made, or not be opened', { skip }, async (t) => {
  const { out, lockFile, merge } = await setUp(t);
  chmodSync(out, 0o777);
  for (const isThere of [false, true]) {
    if (isThere) writeFileSync(lockFile, '', { mode: 0o600 });
    const { code, stderr } = await merge();
    assert.equal(code, 2, stderr);
    assert.match(stderr, /lock file .*machine.lock cannot be used: EACCES; name another one in WIDEMERGE_LOCK_FILE/);
  }
  assert.deepEqual(readdirSync(out), []);
});

test('a folder that may not be written', { skip }, async (t) => {
  const { folder, out, lockFile, merge } = await setUp(t);
  writeFileSync(lockFile, '', { mode: 0o666 });
  const { code, stderr } = await merge();
  assert.equal(code, 3, stderr);
  assert.match(stderr, new RegExp(`${out}.* cannot be written`));
  assert.deepEqual(readdirSync(out), []);
  assert.deepEqual(readdirSync(folder).sort(), ['home', 'machine.lock', 'out', 'sources']);
});

test('a checkpoint that may not be read', { skip }, async (t) => {
  const { sources, out, merge, lockFile } = await setUp(t);
  writeFileSync(lockFile, '', { mode: 0o666 });
  chmodSync(lockFile, 0o666);
  chmodSync(out, 0o777);
  chmodSync(join(sources, 'b.parquet'), 0o600);
  const { code, stderr } = await merge();
  assert.equal(code, 3, stderr);
  assert.match(stderr, /b\.parquet/);
  assert.deepEqual(
    readdirSync(out).filter((name) => !name.startsWith('.')),
    [],
  );
});
