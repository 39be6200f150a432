import { writeFileSync } from 'node:fs';

import { readText } from './memory/hierarchy.ts';

/**
 * The kernel, short of memory, shall pick the command and never sshd or the worker. Children inherit it. The launcher has done it
 * already where there is one; a process of another user by now cannot be changed any more.
 */
export function preferAsVictim(pid: number): boolean {
  const file = `/proc/${pid}/oom_score_adj`;
  try {
    writeFileSync(file, '1000');
    return true;
  } catch {
    return readText(file)?.trim() === '1000';
  }
}
