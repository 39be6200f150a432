import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { killPids, pidsBelow, removeFolders, type MemoryGroup } from './group.ts';
import { isWritable } from './group-v1.ts';
import { groupFolders, readText, type GroupView } from './hierarchy.ts';

/**
 * The folder in which a leaf with a memory limit may be made: the group that this process is in, where it hands the controller on (a
 * group that has processes may not, the root excepted), else the one above, where a leaf lies beside this process; but only
 * if no limit of the own group would be escaped by that.
 */
export function parentV2(view: GroupView): string | null {
  const own = groupFolders(view, 'memory').find(({ version }) => version === 2);
  if (own === undefined) return null;
  if (handsMemoryOn(own.path)) return own.path;
  const ownLimit = readText(join(own.path, 'memory.max'))?.trim() ?? 'max';
  const above = dirname(own.path);
  // Moving a process wants the right to write to the processes of the common ancestor, too: the probe will tell.
  return own.hasParent && ownLimit === 'max' && handsMemoryOn(above) ? above : null;
}

function handsMemoryOn(folder: string): boolean {
  if (!isWritable(folder)) return false;
  const handsOn = (): boolean => words(readText(join(folder, 'cgroup.subtree_control'))).includes('memory');
  if (handsOn()) return true;
  if (!words(readText(join(folder, 'cgroup.controllers'))).includes('memory')) return false;
  try {
    writeFileSync(join(folder, 'cgroup.subtree_control'), '+memory');
    return handsOn();
  } catch {
    return false; // It has processes of its own, or is not ours to change.
  }
}

/** A leaf of version 2: memory is limited, swap is none, and the kernel kills all of it or nothing. Throws the system's error where it refuses. */
export function makeGroupV2(parent: string, name: string, limitBytes: number): MemoryGroup {
  const folder = join(parent, name);
  mkdirSync(folder);
  try {
    writeFileSync(join(folder, 'memory.max'), String(limitBytes));
    // Missing where the kernel counts no swap.
    if (existsSync(join(folder, 'memory.swap.max'))) writeFileSync(join(folder, 'memory.swap.max'), '0');
    if (existsSync(join(folder, 'memory.oom.group'))) writeFileSync(join(folder, 'memory.oom.group'), '1');
  } catch (error) {
    removeFolders(folder);
    throw error;
  }
  return groupV2At(folder);
}

/** The operations on a leaf that is there. */
export function groupV2At(folder: string): MemoryGroup {
  return {
    name: 'cgroup-v2',
    joinFiles: [join(folder, 'cgroup.procs')],
    pids: () => pidsBelow(folder),
    // Of the leaf and all below it.
    oomKills: () => Number(/^oom_kill (\d+)$/m.exec(readText(join(folder, 'memory.events')) ?? '')?.[1] ?? 0),
    kill: () => {
      const killFile = join(folder, 'cgroup.kill');
      // Since Linux 5.14; frozen members die of it, too.
      if (existsSync(killFile)) writeFileSync(killFile, '1');
      else killFrozen(folder);
    },
    remove: () => removeFolders(folder),
  };
}

function killFrozen(folder: string): void {
  const freezeFile = join(folder, 'cgroup.freeze');
  if (existsSync(freezeFile)) writeFileSync(freezeFile, '1');
  // A frozen process of version 2 takes its SIGKILL as it stands.
  killPids(pidsBelow(folder));
}

const words = (text: string | null): string[] => (text ?? '').trim().split(/\s+/);
