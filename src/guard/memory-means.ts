import { writeFileSync } from 'node:fs';

import type { GuardLimits } from './command.ts';

/**
 * The means that bound a tree's memory, and their names for the report. All knowledge of what this machine offers is here, so
 * that a hard limit of the kernel (a control group, a resource limit) is added in this file alone.
 */
export interface MemoryMeans {
  /** Names of the means in force. */
  names: string[];
  /** The watcher kills the tree above this, bytes. */
  killAboveBytes: number;
}

/** Puts the means in force for a process that has just been started. */
export function applyMemoryMeans(pid: number, limits: GuardLimits): MemoryMeans {
  const names = ['watcher'];
  if (preferAsVictim(pid)) names.push('oom_score_adj');
  // Without a hard limit of the kernel the watcher is the only line, and has to keep the smaller of the two.
  return { names, killAboveBytes: Math.min(limits.memoryBytes, limits.killAboveBytes) };
}

/** The kernel, short of memory, shall pick the merge and never sshd or the worker. Children inherit it. */
function preferAsVictim(pid: number): boolean {
  try {
    writeFileSync(`/proc/${pid}/oom_score_adj`, '1000');
    return true;
  } catch {
    return false;
  }
}
