import { spawnSync } from 'node:child_process';

import { findExecutable } from './executable.ts';

/**
 * What ends a command when its guard is killed with SIGKILL. In a pid namespace nothing survives its first process, which dies with
 * `unshare`, which dies with this process. Elsewhere only the command's own process is sent the signal.
 */
export interface Lifetime {
  name: 'pid-namespace' | 'parent-death-signal' | null;
  /** Words before the command. */
  prefix: string[];
}

/**
 * A namespace has its own /proc: programs look for themselves there by their pid. The shell in it is its first process: to that one the
 * kernel sends no signal that it does not handle, and orphans become its children. It gives the command's exit code on. Shells handle
 * SIGINT by themselves, and end after it; the empty trap keeps them, and is not inherited.
 */
const IN_NAMESPACE = ['--pid', '--fork', '--kill-child', '--mount-proc'];
const FIRST_PROCESS = ['/bin/sh', '-c', 'trap : INT; "$@"; exit $?', 'sh'];
const WITH_PARENT = ['setpriv', '--pdeathsig', 'KILL'];
const PROBE_MS = 3000;

let found: Lifetime | undefined;

/** The best that this user may have here; asked once. Everything named here is of util-linux. */
export function bestLifetime(): Lifetime {
  found ??= find();
  return found;
}

/** Words before a command that ends it with its parent; none where they do not work here. */
export const withParent = (): string[] => (bestLifetime().name === null ? [] : WITH_PARENT);

function find(): Lifetime {
  if (findExecutable('setpriv') === null || !works(WITH_PARENT)) return { name: null, prefix: [] };
  if (findExecutable('unshare') !== null) {
    // Without a user namespace for root, whose command may want to change its user.
    const ways = process.getuid?.() === 0 ? [[], ['--user', '--map-current-user']] : [['--user', '--map-current-user']];
    for (const way of ways) {
      const prefix = [...WITH_PARENT, 'unshare', ...way, ...IN_NAMESPACE, ...FIRST_PROCESS];
      if (works(prefix)) return { name: 'pid-namespace', prefix };
    }
  }
  return { name: 'parent-death-signal', prefix: WITH_PARENT };
}

function works([command = '', ...args]: string[]): boolean {
  return spawnSync(command, [...args, 'true'], { stdio: 'ignore', timeout: PROBE_MS }).status === 0;
}
