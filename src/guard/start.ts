import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { basename } from 'node:path';
import type { Readable, Writable } from 'node:stream';

import { childEnvironment } from '../config/environment.ts';
import type { GuardedCommand } from './command.ts';
import { checkExecutable, findExecutable } from './executable.ts';
import { launchWords } from './launch.ts';
import type { Lifetime } from './lifetime.ts';
import { takeLocks } from './lock.ts';
import { SHELL, type MemoryBound } from './memory-means.ts';
import { readStat, type ProcessStat } from './proc.ts';
import { ProcessTree } from './process-tree.ts';

const INHERITED = [
  ...['PATH', 'HOME', 'LANG', 'TMPDIR'],
  // How systemd-run finds the user's systemd.
  ...['XDG_RUNTIME_DIR', 'DBUS_SESSION_BUS_ADDRESS'],
  // How the machine's programs reach Google's services: credentials, proxies, certificates, or an emulator.
  ...['GOOGLE_APPLICATION_CREDENTIALS', 'GOOGLE_CLOUD_QUOTA_PROJECT', 'CLOUDSDK_CONFIG'],
  ...['HTTPS_PROXY', 'https_proxy', 'NO_PROXY', 'no_proxy', 'NODE_EXTRA_CA_CERTS'],
  ...['BIGQUERY_EMULATOR_HOST', 'BIGQUERY_STORAGE_EMULATOR_HOST'],
];

export interface StartedChild {
  process: ChildProcess;
  pid: number;
  tree: ProcessTree;
  /** Its streams and the messages of descriptor 3; null where it has this process's own. */
  pipes: { stdin: Writable; stdout: Readable; stderr: Readable; messages: Readable } | null;
  /** Gives the locks back, as far as no process of the tree keeps them. */
  [Symbol.dispose]: () => void;
}

/**
 * Takes the locks and starts the command in a session of its own and under its bound, with the locks as descriptors 4 and up. This process keeps its copies
 * until the child is disposed of: as long as it has them, whoever holds one of the locks is of the tree, for no stranger can take them, and
 * no new file can be given the number of a lock file that was removed. Where this process dies first, the tree keeps the locks.
 * Throws LockBusyError, LockUnusableError, CommandUnusableError, or the system's error where the command cannot be started.
 */
export async function startChild(
  command: GuardedCommand,
  bound: MemoryBound | null = null,
  lifetime: Lifetime | null = null,
): Promise<StartedChild> {
  const env = { ...(command.passThrough === true ? childEnvironment({}) : minimalEnvironment()), ...command.env };
  checkExecutable(command.command, (env['PATH'] ?? '').split(':'), command.cwd);
  const locks = takeLocks(command.lockFiles);
  const [program = '', ...args] = wordsOf(command, bound, lifetime, env);
  let child: ChildProcess;
  let root: ProcessStat | null = null;
  try {
    child = spawn(program, args, {
      detached: true,
      env,
      stdio:
        command.passThrough === true
          ? inherited(locks.descriptors)
          : ['pipe', 'pipe', 'pipe', 'pipe', ...locks.descriptors],
      ...(command.cwd === undefined ? {} : { cwd: command.cwd }),
    });
    if (child.pid !== undefined) {
      locks.sign(child.pid, describe(command));
      // Even a child that has ended already is still there, unreaped, until the event loop turns.
      root = readStat(child.pid);
    }
  } catch (error) {
    locks.close();
    throw error;
  }
  if (child.pid === undefined) {
    locks.close();
    const error = await new Promise<Error>((resolve) => child.once('error', resolve));
    throw new Error(`${command.command} cannot be started: ${error.message}`, { cause: error });
  }
  if (root === null) {
    child.kill('SIGKILL');
    locks.close();
    throw new Error(`/proc/${child.pid} cannot be read: a command that cannot be watched is not run`);
  }
  return {
    process: child,
    pid: child.pid,
    tree: new ProcessTree(root, locks.identities, bound?.group ?? null),
    pipes: command.passThrough === true ? null : pipesOf(child),
    [Symbol.dispose]: () => locks.close(),
  };
}

function wordsOf(
  { command, args }: GuardedCommand,
  bound: MemoryBound | null,
  lifetime: Lifetime | null,
  env: NodeJS.ProcessEnv,
): string[] {
  if (bound === null || findExecutable(SHELL) === null) return [...(lifetime?.prefix ?? []), command, ...args];
  return launchWords([command, ...args], bound, lifetime, env);
}

/**
 * The caller's own streams, and each lock under the number that it has here: none of the descriptors that the caller has been given for
 * the command has that number, and those that are left out pass as they are.
 */
function inherited(locks: number[]): StdioOptions {
  const stdio: ('inherit' | 'ignore' | number)[] = ['inherit', 'inherit', 'inherit'];
  for (let descriptor = 3; descriptor <= Math.max(...locks); descriptor++) {
    stdio.push(locks.includes(descriptor) ? descriptor : 'ignore');
  }
  return stdio;
}

function pipesOf(child: ChildProcess): StartedChild['pipes'] {
  const [stdin, stdout, stderr, messages] = child.stdio as unknown as [Writable, Readable, Readable, Readable];
  return { stdin, stdout, stderr, messages };
}

function minimalEnvironment(): NodeJS.ProcessEnv {
  const all = childEnvironment({});
  return Object.fromEntries(INHERITED.flatMap((name) => (all[name] === undefined ? [] : [[name, all[name]]])));
}

function describe({ command, args }: GuardedCommand): string {
  return [command, ...args.slice(0, 1)].map((part) => basename(part)).join(' ');
}
