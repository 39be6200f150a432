import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';

import { checkHealth } from '../../src/guard/health.ts';
import { findLeftovers } from '../../src/guard/leftovers.ts';
import { takeLocks } from '../../src/guard/lock.ts';
import { fixture, processesWith, processToken, temporaryFolder, waitFor } from './helpers.ts';

test('a merge whose guard was killed is found; one that is guarded, or a lock alone, is not', async (t) => {
  const folder = temporaryFolder(t);
  const lockFile = join(folder, 'machine.lock');
  assert.deepEqual(await findLeftovers(lockFile), [], 'no file yet');
  const held = takeLocks([lockFile]);
  assert.deepEqual(await findLeftovers(lockFile), [], 'this process has opened it itself');
  held.close();

  const token = processToken(t);
  const guard = spawn(process.execPath, [fixture('guards'), token, fixture('never-exits'), lockFile], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(guard.stdout, 'data');
  assert.deepEqual(await findLeftovers(lockFile), [], 'its guard is there');
  guard.kill('SIGKILL');
  await once(guard, 'exit');

  const pid = Number(processesWith(token)[0]?.split(':')[0]);
  assert.deepEqual(await findLeftovers(lockFile), [{ pid, name: 'node never-exits.ts' }]);
  const thresholds = { minFreeMemoryBytes: 0, maxSwapUsedPercent: 100, minFreeDiskBytes: 0 };
  const request = { thresholds, folder, neededDiskBytes: 0, machineLock: lockFile };
  const { healthy, reasons } = await checkHealth(request);
  assert.equal(healthy, false);
  assert.match(reasons[0]!, new RegExp(`node never-exits\\.ts \\(pid ${pid}\\); end it with: kill -9 ${pid}$`));

  process.kill(pid, 'SIGKILL');
  // The kernel lets go of the memory of a process, its command line with it, before its files, and so of its lock.
  await waitFor(async () => (await findLeftovers(lockFile)).length === 0, 'its end');
  assert.deepEqual(processesWith(token), []);
  assert.equal((await checkHealth(request)).healthy, true);
});
