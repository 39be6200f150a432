import assert from 'node:assert/strict';
import { test } from 'node:test';

import { launchWords } from '../../src/guard/launch.ts';
import { scopeManager, scopePrefix } from '../../src/guard/memory/systemd-scope.ts';

test('the words of a scope, for root and for a user', () => {
  const words = [
    '--scope',
    '--quiet',
    '--collect',
    '--unit=u-1',
    '-p',
    'MemoryMax=1024',
    '-p',
    'MemorySwapMax=0',
    '--',
  ];
  assert.deepEqual(scopePrefix('system', 'u-1', 1024), ['systemd-run', ...words]);
  assert.deepEqual(scopePrefix('user', 'u-1', 1024), ['systemd-run', '--user', ...words]);
});

test('without systemd as PID 1 nobody is asked', () => {
  assert.equal(scopeManager(true, '/no/such/folder'), null);
});

test('scope, group, limit, namespace, command: in this order', () => {
  const bound = { prefix: ['systemd-run', '--'], joinFiles: ["/a'b/cgroup.procs"], dataLimitBytes: 2048 };
  const lifetime = { name: 'pid-namespace' as const, prefix: ['unshare', '--pid'] };
  const words = launchWords(['cmd', 'x y'], bound, lifetime, { PWD: '/' });
  assert.deepEqual(
    [...words.slice(0, 4), ...words.slice(5)],
    [...['systemd-run', '--', '/bin/sh', '-c', 'sh', 'unshare', '--pid', 'cmd', 'x y']],
  );
  assert.equal(
    words[4],
    [
      `echo 0 >'/a'\\''b/cgroup.procs' || exit 125`,
      '{ echo 1000 >/proc/self/oom_score_adj; } 2>/dev/null',
      'ulimit -d 2 2>/dev/null || :',
      'unset OLDPWD SHLVL',
      'exec "$@"',
    ].join('\n'),
  );
});
