import { accessSync, constants, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { countBelow, killPids, pidsBelow, removeFolders, type MemoryGroup } from './group.ts';
import { groupFolders, readText, type GroupView } from './hierarchy.ts';

/** Until all members stand still; a frozen group takes no new ones. */
const FREEZE_TRIES = 1000;

/** The folder of the memory hierarchy that this process is in, where a leaf may be made. */
export function parentV1(view: GroupView): string | null {
  const own = groupFolders(view, 'memory').find(({ version }) => version === 1);
  return own !== undefined && isWritable(own.path) && existsSync(join(own.path, 'memory.limit_in_bytes'))
    ? own.path
    : null;
}

/**
 * A leaf of version 1: memory, and swap where the kernel counts it, are limited together. Where there is a freezer the tree stands still
 * while it is killed. Throws the system's error where the kernel refuses.
 */
export function makeGroupV1(parent: string, name: string, limitBytes: number, view: GroupView): MemoryGroup {
  const folder = join(parent, name);
  mkdirSync(folder);
  let freezer: string | null = null;
  try {
    writeFileSync(join(folder, 'memory.limit_in_bytes'), String(limitBytes));
    const withSwap = join(folder, 'memory.memsw.limit_in_bytes');
    if (existsSync(withSwap)) writeFileSync(withSwap, String(limitBytes));
    freezer = makeFreezer(name, view);
  } catch (error) {
    removeFolders(folder);
    throw error;
  }
  const folders = freezer === null ? [folder] : [folder, freezer];
  return {
    name: 'cgroup-v1',
    joinFiles: folders.map((each) => join(each, 'cgroup.procs')),
    pids: () => [...new Set(folders.flatMap(pidsBelow))],
    oomKills: () => countBelow(folder, 'memory.oom_control', /^oom_kill (\d+)$/m),
    kill: () => {
      if (freezer === null) killPids(pidsBelow(folder));
      else killFrozen(freezer, () => folders.flatMap(pidsBelow));
    },
    remove: () => folders.map(removeFolders).every(Boolean),
  };
}

function makeFreezer(name: string, view: GroupView): string | null {
  const own = groupFolders(view, 'freezer').find(({ version }) => version === 1);
  if (own === undefined || !isWritable(own.path) || !existsSync(join(own.path, 'cgroup.procs'))) return null;
  try {
    const folder = join(own.path, name);
    mkdirSync(folder);
    return folder;
  } catch {
    return null;
  }
}

/** A frozen process takes its SIGKILL only when it is thawed. */
function killFrozen(freezer: string, pids: () => number[]): void {
  const state = join(freezer, 'freezer.state');
  try {
    writeFileSync(state, 'FROZEN');
    for (let tries = 0; tries < FREEZE_TRIES && readText(state)?.trim() === 'FREEZING'; tries++);
    killPids(pids());
  } finally {
    writeFileSync(state, 'THAWED');
  }
}

export function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
