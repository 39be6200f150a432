import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { findMerge, isAlive, until } from '../pipeline/stage.ts';
import { temporaryFolder, writeParquet } from '../support/parquet-by-sql.ts';

const CLI = join(import.meta.dirname, '../../src/cli/main.ts');

test('a merge process that is stuck does not outlive a killed guard, nor hold its lock', async (t) => {
  const dir = await temporaryFolder(t);
  // Keys of their own in every file: all are rewritten, which takes long enough to be caught at it.
  const queries = Array.from({ length: 12 }, (_, i): [string, string] => [
    join(dir, `c${i}.parquet`),
    `SELECT range + ${i} k, random() v${i} FROM range(20000)`,
  ]);
  await writeParquet(Object.fromEntries(queries));
  const lock = join(dir, 'machine.lock');
  const merge = (): ReturnType<typeof spawn> =>
    spawn(process.execPath, [CLI, 'merge', dir, '--key', 'k', '--out', join(dir, 'merged.out')], {
      stdio: 'ignore',
      env: { ...process.env, WIDEMERGE_LOCK_FILE: lock },
    });
  const first = merge();
  await until('the merge process is at work', () =>
    access(join(dir, '.merged.out.widemerge', 'parts')).then(
      () => true,
      () => false,
    ),
  );
  const child = findMerge(first.pid!)!;
  t.after(() => isAlive(child) && process.kill(child, 'SIGKILL'));
  process.kill(child, 'SIGSTOP');
  const ended = once(first, 'exit');
  first.kill('SIGKILL');
  await ended;
  await until('the stopped merge process is gone', () => !isAlive(child));

  const second = merge();
  const [code] = (await once(second, 'exit')) as [number];
  assert.equal(code, 0);
  assert.deepEqual(
    (await readdir(dir)).filter((name) => name.startsWith('.')),
    [],
  );
});
