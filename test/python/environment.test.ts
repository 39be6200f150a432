/** The making of a Python environment; an interpreter of a few lines of shell stands in where only the way to it is meant, so that it takes no seconds and no network. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';

import { tryLock } from '../../src/guard/flock.ts';
import { bestLifetime } from '../../src/guard/lifetime.ts';
import {
  ensurePythonEnvironment,
  placePythonEnvironment,
  type PythonEnvironment,
} from '../../src/python/environment.ts';
import { takeMakingLock } from '../../src/python/making-lock.ts';
import { runStep } from '../../src/python/run-step.ts';
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
    writeFileSync(join(bin, 'python3'), standIn(venv), { mode: 0o755 });
    process.env['PATH'] = `${bin}:${PATH}`;
    t.after(() => (process.env['PATH'] = PATH));
  }
  const requirements = join(folder, 'requirements.txt');
  writeFileSync(requirements, '# nothing\n');
  return { purpose: 'a test', requirements, cache: join(folder, 'cache'), bin };
}

const standIn = (venv: string): string =>
  `#!/bin/sh\ncase "$2" in\n  -c) echo 3 12 cpython x86_64 /stand-in ;;\n  -m) ${venv} ;;\nesac\n`;
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

test('who makes it is killed: what it has started goes too, and the next one makes it', async (t) => {
  if (bestLifetime().name !== 'pid-namespace') {
    t.skip('nothing here ends more than the first process');
    return;
  }
  const token = processToken(t);
  const wanted = setUp(t, `sh -c 'sleep 600; :' "${token}"; exit 1`);
  const args = [fixture('makes-environment'), wanted.requirements, wanted.cache, join(wanted.bin, 'log')];
  const maker = spawn(process.execPath, args, { stdio: 'ignore' });
  await waitFor(() => isUp(token), 'its making');
  maker.kill('SIGKILL');
  await once(maker, 'exit');
  await waitFor(() => processesWith(token).length === 0, 'the end of its making');
  const { folder } = await placePythonEnvironment(wanted);
  writeFileSync(join(wanted.bin, 'python3'), standIn('mkdir -p "$4/bin" && cp "$0" "$4/bin/python"'));
  assert.equal(await ensurePythonEnvironment(wanted), folder);
  assert.deepEqual(
    filesOf(wanted.cache).map((name) => join(wanted.cache, name)),
    [folder, `${folder}.lock`],
  );
});

test('a step that outlives its maker keeps the lock', async (t) => {
  const token = processToken(t);
  const path = join(temporaryFolder(t), 'a.lock');
  const lock = await takeMakingLock({ path, waitMs: 0, signal: undefined, log: undefined, isDone: () => false });
  const controller = new AbortController();
  const limits = { timeoutMs: 60_000, signal: controller.signal, lock: lock!.descriptor };
  const step = runStep('sh', ['-c', `sleep 600; : ${token}`], limits);
  step.catch(() => undefined);
  await waitFor(() => processesWith(token).length > 0, 'the step');
  await lock![Symbol.asyncDispose]();
  const other = openSync(path, 'r');
  t.after(() => closeSync(other));
  assert.equal(tryLock(other), false);
  controller.abort();
  await assert.rejects(step, { name: 'AbortError' });
  await waitFor(() => tryLock(other), 'the lock');
});

test('a lock that cannot be signed is held all the same', async (t) => {
  const path = join(temporaryFolder(t), 'a.lock');
  const script = `const { takeMakingLock } = await import(process.argv[1]);
    const lock = await takeMakingLock({ path: process.argv[2], waitMs: 0, isDone: () => false });
    console.log(lock !== null);`;
  const module = new URL('../../src/python/making-lock.ts', import.meta.url).href;
  // Under this limit a write fails as on a full disk.
  const limited = 'trap "" XFSZ; ulimit -f 0; exec "$@"';
  const args = ['-c', limited, 'sh', process.execPath, '--input-type=module', '-e', script, module, path];
  assert.equal((await promisify(execFile)('sh', args)).stdout, 'true\n');
  assert.equal(readFileSync(path, 'utf8'), '');
});
