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

/** Which systemd would make a scope here; null where PID 1 is another program, or does not answer, or refuses. */
export function scopeManager(isRoot: boolean, bootedFolder = '/run/systemd/system'): 'system' | 'user' | null {
  if (!existsSync(bootedFolder) || findExecutable('systemd-run') === null) return null;
  const manager = isRoot ? 'system' : 'user';
  const [command = '', ...args] = scopePrefix(manager, `widemerge-guard-probe-${process.pid}`, 2 ** 30);
  const { status } = spawnSync(command, [...args, 'true'], { stdio: 'ignore', timeout: PROBE_MS });
  return status === 0 ? manager : null;
}
