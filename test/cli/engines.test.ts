import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { openCli } from './support.ts';

/** One line on standard error, beside what pip is about to do. */
const told = (stderr: string): string[] =>
  stderr
    .trimEnd()
    .split('\n')
    .filter((line) => !line.startsWith('installing'));

test('an environment that cannot be made: one line, and no success', { timeout: 180_000 }, async (t) => {
  const cli = await withEnv(t, {});
  // Nobody listens on port 1.
  const cache = join(cli.folder, 'cache');
  const noIndex = await (
    await withEnv(t, { XDG_CACHE_HOME: cache, PIP_INDEX_URL: 'http://127.0.0.1:1/', PIP_RETRIES: '0' })
  ).run('engines', 'polars');
  assert.equal(noIndex.exitCode, 3);
  assert.equal(told(noIndex.stderr).length, 1, noIndex.stderr);
  assert.match(
    noIndex.stderr,
    /BackendUnavailable: the Python environment of polars cannot be made: ERROR: .*; widemerge engines polars tries again$/m,
  );

  await mkdir(join(cli.folder, 'empty'));
  const noPython = await (
    await withEnv(t, { XDG_CACHE_HOME: cache, PATH: join(cli.folder, 'empty') })
  ).run('engines', 'pandas');
  assert.equal(noPython.exitCode, 3);
  assert.equal(told(noPython.stderr).length, 1, noPython.stderr);
  assert.match(noPython.stderr, /merges by pandas need CPython 3\.11 to 3\.14 with venv on the PATH; found none/);

  await writeFile(join(cli.folder, 'file'), '');
  const noCache = await (await withEnv(t, { XDG_CACHE_HOME: join(cli.folder, 'file') })).run('engines', 'dask');
  assert.equal(noCache.exitCode, 3);
  assert.equal(told(noCache.stderr).length, 1, noCache.stderr);
  assert.match(noCache.stderr, /cannot be made \(ENOTDIR\); set XDG_CACHE_HOME to another/);
});

async function withEnv(t: { after: (end: () => Promise<void>) => void }, env: Record<string, string>) {
  const cli = await openCli(env);
  t.after(() => cli.close());
  return cli;
}
