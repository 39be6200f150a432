import { spawn, type ChildProcess } from 'node:child_process';
import { basename } from 'node:path';
import type { Readable, Writable } from 'node:stream';

import { childEnvironment } from '../config/environment.ts';
import type { GuardedCommand } from './command.ts';
import { takeLocks } from './lock.ts';
import { readStat, type ProcessStat } from './proc.ts';
import { ProcessTree } from './process-tree.ts';

const INHERITED = [
  ...['PATH', 'HOME', 'LANG', 'TMPDIR'],
  // How the machine's programs reach Google's services: credentials, proxies, certificates, or an emulator.
  ...['GOOGLE_APPLICATION_CREDENTIALS', 'GOOGLE_CLOUD_QUOTA_PROJECT', 'CLOUDSDK_CONFIG'],
  ...['HTTPS_PROXY', 'https_proxy', 'NO_PROXY', 'no_proxy', 'NODE_EXTRA_CA_CERTS'],
  ...['BIGQUERY_EMULATOR_HOST', 'BIGQUERY_STORAGE_EMULATOR_HOST'],
];

export interface StartedChild {
  process: ChildProcess;
  pid: number;
  tree: ProcessTree;
  stdin: Writable;
  /** Standard output, standard error and the messages of descriptor 3. */
  stdout: Readable;
  stderr: Readable;
  messages: Readable;
  /** Gives the locks back, as far as no process of the tree keeps them. */
  [Symbol.dispose]: () => void;
}

/**
 * Takes the locks and starts the command in a session of its own, with the locks as descriptors 4 and up. This process keeps its copies
 * until the child is disposed of: as long as it has them, whoever holds one of the locks is of the tree, for no stranger can take them, and
 * no new file can be given the number of a lock file that was removed. Where this process dies first, the tree keeps the locks.
 * Throws LockBusyError, LockUnusableError, or the system's error where the command cannot be started.
 */
export async function startChild(command: GuardedCommand): Promise<StartedChild> {
  const locks = takeLocks(command.lockFiles);
  let child: ChildProcess;
  let root: ProcessStat | null = null;
  try {
    child = spawn(command.command, command.args, {
      detached: true,
      env: { ...minimalEnvironment(), ...command.env },
      stdio: ['pipe', 'pipe', 'pipe', 'pipe', ...locks.descriptors],
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
  const [stdin, stdout, stderr, messages] = child.stdio as unknown as [Writable, Readable, Readable, Readable];
  return {
    process: child,
    pid: child.pid,
    tree: new ProcessTree(root, locks.identities),
    stdin,
    stdout,
    stderr,
    messages,
    [Symbol.dispose]: () => locks.close(),
  };
}

function minimalEnvironment(): NodeJS.ProcessEnv {
  const all = childEnvironment({});
  return Object.fromEntries(INHERITED.flatMap((name) => (all[name] === undefined ? [] : [[name, all[name]]])));
}

function describe({ command, args }: GuardedCommand): string {
  return [command, ...args.slice(0, 1)].map((part) => basename(part)).join(' ');
}
