import { spawnSync } from 'node:child_process';

import { LEAST_LIMIT_BYTES } from '../config/rules.ts';
import { findExecutable } from './executable.ts';
import type { MemoryGroup } from './memory/group.ts';
import { makeGroupV1, parentV1 } from './memory/group-v1.ts';
import { makeGroupV2, parentV2 } from './memory/group-v2.ts';
import { groupFolders, ownGroupView, type GroupView } from './memory/hierarchy.ts';
import { newLeafName } from './memory/leaf-name.ts';
import { scopeManager, scopePrefix, sweepScopes } from './memory/systemd-scope.ts';
import { sweepHierarchy, sweepLeaves } from './memory/sweep.ts';

/** Hard limits of the kernel, best first. */
export const MEMORY_MEANS = ['systemd-run', 'cgroup-v2', 'cgroup-v1', 'rlimit-data'] as const;
export type MemoryMeansName = (typeof MEMORY_MEANS)[number];

/**
 * RLIMIT_DATA counts what is reserved, touched or not: Node 24 reserves 560 MiB before its first line. So much it may have beyond the
 * limit; what is touched of it the watcher sees.
 */
const RESERVED_BYTES = 768 * 2 ** 20;

/** The limits cannot be meant: no program could run under them. */
export class LimitInvalidError extends Error {
  override name = 'LimitInvalidError';
}

/**
 * The hard limit of one command: what must stand before its first instruction, and what is known of it afterwards. All knowledge of
 * what this machine offers is here and in memory/. None of it replaces the watcher, which is always there.
 */
export interface MemoryBound {
  /** null where this machine has no hard limit for us. */
  name: MemoryMeansName | null;
  /** Words before the command. */
  prefix: string[];
  /** The command enters its control groups by writing `0` to each of these. */
  joinFiles: string[];
  dataLimitBytes: number | null;
  /** Its control group, where the guard has made it itself. */
  group: MemoryGroup | null;
  /** Name of the unit, where systemd makes its control group. */
  scope: string | null;
}

const UNBOUND: MemoryBound = { name: null, prefix: [], joinFiles: [], dataLimitBytes: null, group: null, scope: null };

/**
 * Prepares the best of the allowed means. It is probed, not guessed: what the kernel or systemd refuses is passed over for the next one. The
 * caller removes `group`. Throws LimitInvalidError.
 */
export function boundMemory(
  limitBytes: number,
  allowed: readonly MemoryMeansName[] = MEMORY_MEANS,
  view: GroupView = ownGroupView(),
): MemoryBound {
  if (!(limitBytes >= LEAST_LIMIT_BYTES)) {
    throw new LimitInvalidError(`a memory limit of ${limitBytes} bytes: no program starts in less than 4 MiB`);
  }
  for (const name of MEMORY_MEANS.filter((each) => allowed.includes(each))) {
    const bound = PREPARE[name](Math.floor(limitBytes), view);
    if (bound !== null) return { ...UNBOUND, name, ...bound };
  }
  return UNBOUND;
}

const PREPARE: Record<MemoryMeansName, (limitBytes: number, view: GroupView) => Partial<MemoryBound> | null> = {
  'systemd-run': (limitBytes) => {
    manager ??= { found: scopeManager(process.getuid?.() === 0) };
    if (manager.found === null) return null;
    sweepScopes(manager.found);
    const scope = `${newLeafName()}.scope`;
    return { prefix: scopePrefix(manager.found, scope, limitBytes), scope };
  },
  'cgroup-v2': (limitBytes, view) =>
    inGroup(parentV2(view), view, (parent) => makeGroupV2(parent, newLeafName(), limitBytes)),
  'cgroup-v1': (limitBytes, view) =>
    inGroup(parentV1(view), view, (parent) => makeGroupV1(parent, newLeafName(), limitBytes, view)),
  'rlimit-data': (limitBytes) =>
    findExecutable(SHELL) === null ? null : { dataLimitBytes: limitBytes + RESERVED_BYTES },
};

/** What a command is started through. Without it there is no hard limit. */
export const SHELL = '/bin/sh';
/** Asked once: it takes a process. */
let manager: { found: 'system' | 'user' | null } | undefined;
/** Whether a process can enter a leaf, by the folder that the leaf lies in. */
const joinable = new Map<string, boolean>();
/** Hierarchies that were looked through: once, as guards in other groups than this one's die with their processes. */
const looked = new Set<string>();

function inGroup(
  parent: string | null,
  view: GroupView,
  make: (parent: string) => MemoryGroup,
): Partial<MemoryBound> | null {
  if (parent === null || joinable.get(parent) === false || findExecutable(SHELL) === null) return null;
  try {
    const freezers = groupFolders(view, 'freezer');
    for (const folder of [parent, ...freezers.map(({ path }) => path)]) sweepLeaves(folder);
    for (const { mount } of [...groupFolders(view, 'memory'), ...freezers]) {
      if (!looked.has(mount)) sweepHierarchy(mount);
      looked.add(mount);
    }
    const group = make(parent);
    if (!joinable.has(parent)) joinable.set(parent, canJoin(group.joinFiles));
    if (joinable.get(parent) === true) return { joinFiles: group.joinFiles, group };
    group.remove();
    return null;
  } catch {
    return null; // A hierarchy that is read-only, full, or not ours.
  }
}

function canJoin(files: string[]): boolean {
  const script = 'for file; do echo 0 >"$file" || exit 1; done';
  return spawnSync(SHELL, ['-c', script, SHELL, ...files], { stdio: 'ignore' }).status === 0;
}
