import { readText } from './memory/hierarchy.ts';
import type { ProcessStat } from './proc.ts';

/** Why processes have outlived their SIGKILL, and what to do, one line; null where none is left. */
export function whyAlive(processes: ProcessStat[]): string | null {
  const foreign = processes.find(({ pid }) => !maySignal(pid));
  if (foreign !== undefined) {
    const { pid, name } = foreign;
    return `${name} (pid ${pid}) lives on: it has become user ${userOf(pid)}, whom this user may not signal; end it with: sudo kill -9 ${pid}`;
  }
  return processes.length === 0 ? null : 'a process of it does not die: it waits inside the kernel';
}

function maySignal(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'EPERM';
  }
}

const userOf = (pid: number): string => /^Uid:\t(\d+)/m.exec(readText(`/proc/${pid}/status`) ?? '')?.[1] ?? 'unknown';
