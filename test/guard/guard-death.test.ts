import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { LockBusyError, takeLocks } from '../../src/guard/lock.ts';
import { fixture, processesWith, processToken, temporaryFolder, waitFor } from './helpers.ts';

/** Another process that guards the named fixture; resolves once that has said its first message. */
async function startGuard(
  t: TestContext,
  child: string,
  lockFile: string,
  leaves = '',
): Promise<{ guard: ChildProcess; token: string }> {
  const token = processToken(t);
  const guard = spawn(process.execPath, [fixture('guards'), token, fixture(child), lockFile, leaves], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(guard.stdout, 'data');
  return { guard, token };
}

const isHeld = (lockFile: string): boolean => {
  try {
    takeLocks([lockFile]).close();
    return false;
  } catch (error) {
    assert.ok(error instanceof LockBusyError);
    return true;
  }
};

test('SIGKILL of the guard: the input ends, the child with it, the lock with that', async (t) => {
  const lockFile = join(temporaryFolder(t), 'a.lock');
  const { guard, token } = await startGuard(t, 'ends-with-guard', lockFile);
  assert.ok(isHeld(lockFile));
  guard.kill('SIGKILL');
  await waitFor(() => processesWith(token).length === 0, 'the end of the child');
  // A process that ends loses its memory, and with it its command line, before its descriptors.
  await waitFor(() => !isHeld(lockFile), 'the end of the lock');
});

test('the lock outlives a killed guard for as long as its child does', async (t) => {
  const lockFile = join(temporaryFolder(t), 'a.lock');
  const { guard, token } = await startGuard(t, 'never-exits', lockFile);
  guard.kill('SIGKILL');
  await once(guard, 'exit');
  assert.equal(processesWith(token).length, 1);
  assert.ok(isHeld(lockFile));
  process.kill(Number(processesWith(token)[0]?.split(':')[0]), 'SIGKILL');
  await waitFor(() => !isHeld(lockFile), 'the end of the lock');
});

test('a guard that exits in the middle of a run takes the tree along', async (t) => {
  const lockFile = join(temporaryFolder(t), 'a.lock');
  const { guard, token } = await startGuard(t, 'never-exits', lockFile, 'exit');
  if (guard.exitCode === null) await once(guard, 'exit');
  await waitFor(() => processesWith(token).length === 0, 'the end of the child');
});
