import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

import { findExecutable } from '../executable.ts';

/** systemd answers within milliseconds, or it is stuck and no help. */
const PROBE_MS = 3000;

/** The words before a command that put it, already before its first instruction, into a scope with a limit. systemd-run becomes the command itself. */
export function scopePrefix(manager: 'system' | 'user', unit: string, limitBytes: number): string[] {
  return [
    'systemd-run',
    ...(manager === 'user' ? ['--user'] : []),
    ...['--scope', '--quiet', '--collect', `--unit=${unit}`],
    ...['-p', `MemoryMax=${limitBytes}`, '-p', 'MemorySwapMax=0'],
    '--',
  ];
}

/** Where the memory controller is not systemd's to give, it makes the scope all the same, and no limit. */
const READ_LIMIT =
  'cat "/sys/fs/cgroup$(sed -n s/^0:://p /proc/self/cgroup)/memory.max" ' +
  '"/sys/fs/cgroup/memory$(sed -n s/^[0-9]*:memory://p /proc/self/cgroup)/memory.limit_in_bytes" 2>/dev/null; true';

/** Whether what READ_LIMIT prints is the probe's limit. */
export const isLimited = (limits: string): boolean => limits.split('\n').includes(String(2 ** 30));

/** Which systemd would make a scope here; null where PID 1 is another program, or does not answer, or refuses. */
export function scopeManager(isRoot: boolean, bootedFolder = '/run/systemd/system'): 'system' | 'user' | null {
  if (!existsSync(bootedFolder) || findExecutable('systemd-run') === null) return null;
  const manager = isRoot ? 'system' : 'user';
  const [command = '', ...args] = scopePrefix(manager, `widemerge-guard-probe-${process.pid}`, 2 ** 30);
  const { status, stdout } = spawnSync(command, [...args, '/bin/sh', '-c', READ_LIMIT], {
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: PROBE_MS,
  });
  return status === 0 && isLimited(stdout.toString()) ? manager : null;
}
