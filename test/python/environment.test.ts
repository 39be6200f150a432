/** The making of a Python environment; an interpreter of a few lines of shell stands in where only the way to it is meant, so that it takes no seconds and no network. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';

import { tryLock } from '../../src/guard/flock.ts';
import {
  ensurePythonEnvironment,
  placePythonEnvironment,
  type PythonEnvironment,
} from '../../src/python/environment.ts';
import { fixture, processesWith, processToken, temporaryFolder, waitFor } from '../guard/helpers.ts';

const PATH = process.env['PATH'];

/** `venv` is what the stand-in does when a folder, $4, is to become an environment. */
function setUp(
  t: TestContext,
  venv: string | null = 'mkdir -p "$4/bin" && cp "$0" "$4/bin/python"',
): PythonEnvironment & { bin: string } {
  const folder = temporaryFolder(t);
  const bin = join(folder, 'path');
  mkdirSync(bin);
  if (venv !== null) {
    const script = `#!/bin/sh\ncase "$2" in\n  -c) echo 3 12 cpython x86_64 /stand-in ;;\n  -m) ${venv} ;;\nesac\n`;
    writeFileSync(join(bin, 'python3'), script, { mode: 0o755 });
    process.env['PATH'] = `${bin}:${PATH}`;
    t.after(() => (process.env['PATH'] = PATH));
  }
  const requirements = join(folder, 'requirements.txt');
  writeFileSync(requirements, '# nothing\n');
  return { purpose: 'a test', requirements, cache: join(folder, 'cache'), bin };
}

const filesOf = (cache: string): string[] => readdirSync(cache).toSorted();
const isUp = (token: string): boolean => processesWith(token).some((line) => line.includes('sleep'));

test('an environment of no packages, by a real Python', { timeout: 300_000 }, async (t) => {
  const wanted = setUp(t, null);
  const folder = await ensurePythonEnvironment(wanted);
  const { stdout } = await promisify(execFile)(join(folder, 'bin', 'python'), ['-c', 'import sys; print(sys.prefix)']);
  assert.equal(stdout.trim(), folder);
  assert.deepEqual((await placePythonEnvironment(wanted)).made, true);
});

for (const [what, content] of [
  ['of a process whose pid somebody else has now', String(process.pid)],
  ['that is empty', ''],
] as const)
  test(`a lock file ${what} holds nobody up`, async (t) => {
    const wanted = setUp(t);
    const { folder } = await placePythonEnvironment(wanted);
    mkdirSync(`${folder}.making-left`, { recursive: true });
    writeFileSync(`${folder}.lock`, content);
    assert.equal(await ensurePythonEnvironment(wanted), folder);
    assert.deepEqual(
      filesOf(wanted.cache).map((name) => join(wanted.cache, name)),
      [folder, `${folder}.lock`],
    );
  });

test('several processes at once make it once', async (t) => {
  const log = join(temporaryFolder(t), 'log');
  const wanted = setUp(t, `sleep 1; mkdir -p "$4/bin" && cp "$0" "$4/bin/python"`);
  const runs = await Promise.all(
    [1, 2, 3].map(async () => {
      const child = spawn(process.execPath, [fixture('makes-environment'), wanted.requirements, wanted.cache, log]);
      return (await text(child.stdout)).trim();
    }),
  );
  const { folder } = await placePythonEnvironment(wanted);
  assert.deepEqual(runs, [folder, folder, folder]);
  const made = readFileSync(log, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('installing'));
  assert.equal(made.length, 1);
});

test('who waits says for whom, gives up in time, and can be stopped', async (t) => {
  const wanted = setUp(t);
  const { folder } = await placePythonEnvironment(wanted);
  mkdirSync(wanted.cache);
  writeFileSync(`${folder}.lock`, '4711');
  const descriptor = openSync(`${folder}.lock`, 'r');
  t.after(() => closeSync(descriptor));
  assert.ok(tryLock(descriptor));
  const lines: string[] = [];
  const log = (line: string): void => void lines.push(line);
  await assert.rejects(ensurePythonEnvironment({ ...wanted, waitMs: 300, log }), {
    message: `process 4711 holds ${folder}.lock and is not done after 1 min; end it, and try again`,
  });
  assert.deepEqual(lines, ['waiting for process 4711, which installs them already']);
  const controller = new AbortController();
  const reason = new Error('stopped');
  const waiting = ensurePythonEnvironment({
    ...wanted,
    signal: controller.signal,
    log: () => controller.abort(reason),
  });
  await assert.rejects(waiting, reason);
  assert.equal(existsSync(folder), false);
});

test('a stop ends the making, with all that it has started, and leaves nothing', async (t) => {
  const token = processToken(t);
  const wanted = setUp(t, `sh -c 'sleep 600; :' "${token}"; exit 1`);
  const controller = new AbortController();
  const reason = new Error('stopped');
  const making = ensurePythonEnvironment({ ...wanted, signal: controller.signal });
  making.catch(() => undefined);
  await waitFor(() => isUp(token), 'its making');
  controller.abort(reason);
  await assert.rejects(making, reason);
  await waitFor(() => processesWith(token).length === 0, 'the end of its making');
  const { folder } = await placePythonEnvironment(wanted);
  assert.deepEqual(
    filesOf(wanted.cache).map((name) => join(wanted.cache, name)),
    [`${folder}.lock`],
  );
});

test('a step that fails, and a cache that cannot be: one line each', async (t) => {
  const failing = setUp(t, 'echo "no ensurepip"; echo here >&2; exit 1');
  await assert.rejects(ensurePythonEnvironment(failing), {
    message: 'python3 -m venv failed; where it is a package of its own, install python3-venv: no ensurepip here',
  });
  const file = join(failing.bin, 'file');
  writeFileSync(file, '');
  const caches: [cache: string, message: RegExp][] = [
    ['relative/cache', /^the cache relative\/cache is a relative path; set XDG_CACHE_HOME to an absolute one$/],
    [join(file, 'cache'), /^the folder .*file\/cache cannot be made \(ENOTDIR\); set XDG_CACHE_HOME to another$/],
    [file, /^the folder .*file cannot be made \(EEXIST\); set XDG_CACHE_HOME to another$/],
    // Not even root may make a folder there.
    [
      '/sys/widemerge',
      /^the folder \/sys\/widemerge cannot be made \((EPERM|EACCES|EROFS)\); set XDG_CACHE_HOME to another$/,
    ],
    ['/sys', /^the lock \/sys\/\w+\.lock cannot be used \((EPERM|EACCES|EROFS)\)/],
  ];
  for (const [cache, message] of caches)
    await assert.rejects(ensurePythonEnvironment({ ...failing, cache }), (error: Error) => {
      assert.match(error.message, message);
      return true;
    });
});
