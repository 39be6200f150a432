/** Commands that change their user under a guard that may not follow. */
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { GuardReport } from '../../src/guard/command.ts';
import { findExecutable } from '../../src/guard/executable.ts';
import { LIMITS, processesWith, processToken, temporaryFolder, waitFor } from './helpers.ts';

const NOBODY = 65534;
const AS_NOBODY = [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'];
const RUN = fileURLToPath(new URL('../../src/guard/run.ts', import.meta.url));
const isRoot = process.getuid?.() === 0;

test('what has become root outlives the guard of a user, who says so', { skip: !isRoot && 'not root' }, async (t) => {
  const setpriv = findExecutable('setpriv');
  if (setpriv === null) {
    t.skip('no setpriv here');
    return;
  }
  const token = processToken(t);
  const folder = temporaryFolder(t);
  // What makes root of anybody is for nobody's group alone.
  chownSync(folder, 0, NOBODY);
  chmodSync(folder, 0o710);
  const becomes = join(folder, 'becomes');
  copyFileSync(setpriv, becomes);
  chmodSync(becomes, 0o4755);
  const asRoot = ['--reuid=0', '--regid=0', '--clear-groups'];
  const user = execFileSync('setpriv', [...AS_NOBODY, becomes, ...asRoot, 'id', '-u'], { encoding: 'utf8' });
  if (user.trim() !== '0') {
    t.skip('programs become no other user on this file system');
    return;
  }

  const command = {
    command: becomes,
    args: [...asRoot, 'sh', '-c', 'while :; do sleep 1; done', token],
    lockFiles: [],
  };
  const limits = { ...LIMITS, timeoutMs: 500, graceMs: 100 };
  const script = `import { runGuarded } from ${JSON.stringify(RUN)};
    console.log(JSON.stringify(await runGuarded(${JSON.stringify(command)}, ${JSON.stringify(limits)})));`;
  const words = [...AS_NOBODY, process.execPath, '--input-type=module', '-e', script];
  const { stdout } = await promisify(execFile)('setpriv', words);
  const { outcome, reason } = JSON.parse(stdout) as GuardReport;
  const left = processesWith(token).map((line) => Number.parseInt(line));
  for (const pid of left) process.kill(pid, 'SIGKILL');
  await waitFor(() => processesWith(token).length === 0, 'its end by root');
  assert.equal(outcome, 'timed-out');
  assert.match(reason ?? '', /sh \(pid \d+\) lives on: it has become user 0, whom this user may not signal/);
  assert.ok(left.includes(Number(/sudo kill -9 (\d+)$/.exec(reason ?? '')?.[1])), reason ?? '');
});
