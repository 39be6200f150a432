/** What a fault may not leave behind: processes, control groups, locks. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { LockBusyError, takeLocks } from '../../../src/guard/lock.ts';
import { leaves } from '../../guard/leaves.ts';

/**
 * Processes that have a file below `folder` open or name it in their command line, one line each. `known` are those that may:
 * this process, the server and the workers.
 */
export function processesAt(folder: string, known: readonly number[]): string[] {
  const pids = readdirSync('/proc').map(Number).filter(Number.isSafeInteger);
  return pids.filter((pid) => !known.includes(pid)).flatMap((pid) => (isAt(pid, folder) ? [`pid ${pid}`] : []));
}

function isAt(pid: number, folder: string): boolean {
  try {
    const files = `/proc/${pid}/fd`;
    return (
      readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(folder) ||
      readdirSync(files).some((name) => readlinkSync(join(files, name)).startsWith(folder))
    );
  } catch {
    return false; // It has ended, or is another user's.
  }
}

/** Control groups that were made by these guards. */
export function groupsOf(guards: readonly number[]): string[] {
  return leaves().filter((name) => guards.includes(Number(name.split('-')[3])));
}

/** The lock files that somebody still holds: the machine's, and those of the outputs in `output`. */
export async function heldLocks(machineLock: string, output: string): Promise<string[]> {
  const names = (await readdir(output)).filter((name) => name.endsWith('.widemerge'));
  const files = [machineLock, ...names.map((name) => join(output, name, 'lock'))];
  return files.filter((file) => {
    try {
      takeLocks([file]).close();
      return false;
    } catch (error) {
      if (error instanceof LockBusyError) return true;
      throw error;
    }
  });
}
