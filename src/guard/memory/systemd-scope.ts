import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

import { findExecutable } from '../executable.ts';
import { isLeftOver } from './leaf-name.ts';

/** systemd answers within milliseconds, or it is stuck and no help. */
const PROBE_MS = 3000;
/** A worker of weeks guards many commands, and whoever asks stands still until the answer. */
const NEXT_SWEEP_MS = 60_000;
const NEXT_SWEEP_AFTER_SILENCE_MS = 10 * 60_000;

let nextSweepMs = -Infinity;

type Manager = 'system' | 'user';

/** The words before a command that put it, already before its first instruction, into a scope with a limit. systemd-run becomes the command itself. */
export function scopePrefix(manager: Manager, unit: string, limitBytes: number): string[] {
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
export function scopeManager(isRoot: boolean, bootedFolder = '/run/systemd/system'): Manager | null {
  if (!existsSync(bootedFolder) || findExecutable('systemd-run') === null) return null;
  const manager = isRoot ? 'system' : 'user';
  const [command = '', ...args] = scopePrefix(manager, `widemerge-guard-probe-${process.pid}.scope`, 2 ** 30);
  const { status, stdout } = spawnSync(command, [...args, '/bin/sh', '-c', READ_LIMIT], {
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: PROBE_MS,
  });
  return status === 0 && isLimited(stdout.toString()) ? manager : null;
}

/**
 * Ends what guards that were killed have left in scopes. systemd removes them with their last process. At most once a minute, and once in
 * ten where it did not answer; `nowMs` is of a monotonic clock.
 */
export function sweepScopes(manager: Manager, nowMs = performance.now()): void {
  if (nowMs < nextSweepMs) return;
  nextSweepMs = nowMs + (endLeftOvers(manager) ? NEXT_SWEEP_MS : NEXT_SWEEP_AFTER_SILENCE_MS);
}

/** False where systemd did not answer: it is not asked anything else then. */
function endLeftOvers(manager: Manager): boolean {
  const filters = ['--type=scope', '--plain', '--full', '--no-legend', '--no-pager', 'widemerge-guard-*'];
  const listing = systemctl(manager, ['list-units', ...filters]);
  if (listing === null) return false;
  const units = leftOverScopes(listing);
  if (units.length === 0) return true;
  // At once: `stop` alone gives them SIGTERM and a minute and a half.
  return (
    systemctl(manager, ['kill', '--signal=SIGKILL', ...units]) !== null &&
    systemctl(manager, ['stop', '--no-block', ...units]) !== null
  );
}

/** Those of the listed units (a line each, its name first) whose guard is gone. */
export function leftOverScopes(listing: string): string[] {
  return listing.split('\n').flatMap((line) => {
    const [, name] = /^\W*(widemerge-guard-[\w-]+)\.scope(\s|$)/.exec(line) ?? [];
    return name !== undefined && isLeftOver(name) ? [`${name}.scope`] : [];
  });
}

/** What it prints, whatever it says of a unit that has gone meanwhile; null where it is missing or stuck. */
function systemctl(manager: Manager, words: string[]): string | null {
  const args = [...(manager === 'user' ? ['--user'] : []), ...words];
  if (findExecutable('systemctl') === null) return null;
  const { stdout, error } = spawnSync('systemctl', args, {
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: PROBE_MS,
    killSignal: 'SIGKILL',
    encoding: 'utf8',
  });
  return error === undefined ? stdout : null;
}
