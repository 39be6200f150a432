import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { LockBusyError, LockUnusableError, takeLocks } from '../../src/guard/lock.ts';
import { runGuarded } from '../../src/guard/run.ts';
import { startChild } from '../../src/guard/start.ts';
import { LIMITS, nodeCommand, temporaryFolder, waitFor } from './helpers.ts';

test('one holder at a time, named in the error', (t) => {
  const file = join(temporaryFolder(t), 'new folder', 'a.lock');
  const held = takeLocks([file]);
  assert.equal(statSync(file).mode & 0o777, 0o666);
  held.sign(4711, 'node process.ts');
  assert.throws(
    () => takeLocks([file]),
    (error) =>
      error instanceof LockBusyError &&
      error.lockFile === file &&
      /^pid 4711 \(node process.ts\) since 20/.test(error.holder),
  );
  held.close();
  takeLocks([file]).close();
});

test('all locks or none', (t) => {
  const folder = temporaryFolder(t);
  const [first, second] = [join(folder, 'first'), join(folder, 'second')];
  const held = takeLocks([second]);
  assert.throws(() => takeLocks([first, second]), LockBusyError);
  takeLocks([first]).close();
  held.close();
});

test('a lock file that was removed is no lock: the path is what is locked', (t) => {
  const file = join(temporaryFolder(t), 'a.lock');
  const old = takeLocks([file]);
  unlinkSync(file);
  const fresh = takeLocks([file]);
  assert.throws(() => takeLocks([file]), LockBusyError);
  old.close();
  fresh.close();
});

test('what cannot be a lock file is refused, untouched', (t) => {
  const folder = temporaryFolder(t);
  const precious = join(folder, 'precious');
  writeFileSync(precious, 'data');
  symlinkSync(precious, join(folder, 'link'));
  mkdirSync(join(folder, 'folder'));
  for (const name of ['link', 'folder', join('no', 'such', 'place')]) {
    assert.throws(() => takeLocks([join(folder, name)]), LockUnusableError, name);
  }
  assert.equal(readFileSync(precious, 'utf8'), 'data');
  assert.ok(!existsSync(join(folder, 'no')));
});

test('a guarded command holds its locks while it runs, and the next is told who', async (t) => {
  const file = join(temporaryFolder(t), 'machine.lock');
  const controller = new AbortController();
  const started = Promise.withResolvers<undefined>();
  const first = runGuarded({ ...nodeCommand(t, 'never-exits'), lockFiles: [file] }, LIMITS, {
    signal: controller.signal,
    onMessage: () => started.resolve(undefined),
  });
  await started.promise;
  await assert.rejects(runGuarded({ ...nodeCommand(t, 'never-exits'), lockFiles: [file] }, LIMITS), (error) => {
    assert.ok(error instanceof LockBusyError);
    assert.match(error.message, /machine.lock is held by pid \d+ \(node never-exits.ts\) since /);
    return true;
  });
  controller.abort();
  const report = await first;
  assert.ok(report.means.includes('lock'));
  takeLocks([file]).close();
});

test('a process that left its parent and its session is found by the lock that it keeps', async (t) => {
  const file = join(temporaryFolder(t), 'machine.lock');
  const report = await runGuarded({ ...nodeCommand(t, 'leaves-orphan', 'lock'), lockFiles: [file] }, LIMITS);
  assert.equal(report.outcome, 'succeeded');
  takeLocks([file]).close();
});

test('the next holder of a lock is never taken for a process of the tree before it', async (t) => {
  const file = join(temporaryFolder(t), 'a.lock');
  using ended = await startChild({ command: 'true', args: [], lockFiles: [file] });
  await waitFor(() => ended.tree.scan().length === 0, 'the end of the first command');
  // Until its guard has looked for what the command left behind, nobody else can be found with the lock.
  assert.throws(() => takeLocks([file]), LockBusyError);
  // Nor can a new file be given the number of a lock file that was removed, as file systems do with the next file.
  unlinkSync(file);
  using stranger = await startChild({ ...nodeCommand(t, 'never-exits'), lockFiles: [file] });
  assert.deepEqual(ended.tree.scan(), []);
  stranger.process.kill('SIGKILL');
  await waitFor(() => stranger.tree.scan().length === 0, 'the end of the second command');
});
