import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { checkHealth } from '../../src/guard/health.ts';
import { runHook } from '../../src/guard/hook-command.ts';
import { processesWith, processToken, temporaryFolder } from './helpers.ts';

const node = (script: string, ...args: string[]): string[] => [process.execPath, '-e', script, ...args];
const shell = (script: string, ...args: string[]): string[] => ['/bin/sh', '-c', script, ...args];

test('a command that is well, one that is not, one without a word, one that is not there', async (t) => {
  const timeoutMs = 30_000;
  assert.deepEqual(await runHook({ command: shell('cat'), input: '\n  all well \nmore', timeoutMs }), {
    ...{ outcome: 'succeeded', firstLine: 'all well', says: 'all well' },
  });
  const failing = await runHook({ command: shell('echo raid degraded >&2; exit 7'), timeoutMs });
  assert.deepEqual([failing.outcome, failing.says], ['failed', 'raid degraded']);
  const silent = await runHook({ command: shell('exit 7'), timeoutMs });
  assert.equal(silent.says, 'ended with exit code 7, and said nothing');
  const killed = await runHook({ command: shell('kill -9 $$'), timeoutMs });
  assert.equal(killed.says, 'ended with SIGKILL, and said nothing');
  const none = await runHook({ command: [join(temporaryFolder(t), 'none')], timeoutMs });
  assert.equal(none.outcome, 'not-started');
  assert.match(none.says, /cannot be started: .*ENOENT/);
});

test('at the timeout all that it has started is killed, in sessions of their own, too', async (t) => {
  const token = processToken(t);
  const forever = 'setInterval(() => undefined, 1000)';
  const script = `
    const { spawn } = require('node:child_process');
    spawn(process.execPath, ['-e', '${forever}', '${token}'], { detached: true, stdio: 'inherit' });
    process.on('SIGTERM', () => undefined);
    console.log('hangs');
    ${forever}`;
  const ending = await runHook({ command: node(script, token), timeoutMs: 1500 });
  assert.deepEqual(ending, { outcome: 'timed-out', firstLine: 'hangs', says: 'not done after 1.5 s, and was killed' });
  assert.deepEqual(processesWith(token), []);
});

test('what it leaves behind goes with it, and gigabytes of output harm nobody', async (t) => {
  const token = processToken(t);
  const script = `sleep 1000 ${token} & yes ${token} | head -c 300000000; echo; exit 3`;
  const ending = await runHook({
    command: shell(`sh -c 'sleep 1000' ${token} & ${script.split('& ')[1]}`),
    timeoutMs: 60_000,
  });
  assert.deepEqual([ending.outcome, ending.firstLine], ['failed', token]);
  assert.deepEqual(processesWith(token), []);
});

test('health.command: its first line is the reason', async (t) => {
  const folder = temporaryFolder(t);
  const state = join(folder, 'state');
  const thresholds = {
    ...{ minFreeMemoryBytes: 0, maxSwapUsedPercent: 100, minFreeDiskBytes: 0 },
    ...{ command: shell('cat "$0"; test ! -s "$0"', state), commandTimeoutMs: 30_000 },
  };
  const request = { thresholds, folder, neededDiskBytes: 0, machineLock: join(folder, 'lock') };
  writeFileSync(state, 'the array rebuilds, 12 % done\nmore\n');
  const short = await checkHealth(request);
  assert.deepEqual([short.healthy, short.reasons], [false, ['health.command: the array rebuilds, 12 % done']]);
  writeFileSync(state, '');
  assert.equal((await checkHealth(request)).healthy, true);
});
