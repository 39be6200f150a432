import { readThreads, type ProcessStat } from './proc.ts';

/** What the threads of a stuck tree wait for, one line: `node (pid 7): 11 x S futex_do_wait, 1 x S ep_poll; ...`. */
export function describeThreads(processes: ProcessStat[]): string {
  return processes
    .slice(0, 8)
    .map(({ pid, name }) => {
      const counts = new Map<string, number>();
      for (const { state, waitsIn } of readThreads(pid)) {
        const what = waitsIn === null || waitsIn === '0' || waitsIn === '' ? state : `${state} ${waitsIn}`;
        counts.set(what, (counts.get(what) ?? 0) + 1);
      }
      const threads = [...counts].sort((a, b) => b[1] - a[1]).slice(0, 6);
      return `${name} (pid ${pid}): ${threads.map(([what, count]) => `${count} x ${what}`).join(', ')}`;
    })
    .join('; ');
}
