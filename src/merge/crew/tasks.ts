/** What a crew does; each takes and gives plain data, since it may go to another thread. Loaded when they are first asked for. */
import type { GatherTask } from '../gather/gather-part.ts';
import type { ColumnsCheck } from '../verify-columns.ts';
import { checksums } from './checksums.ts';

export const TASKS = {
  gather: async (task: GatherTask) => (await import('../gather/gather-part.ts')).gatherParts(task),
  compare: async (task: ColumnsCheck) => (await import('../verify-columns.ts')).compareColumns(task),
  checksums,
};

export type TaskName = keyof typeof TASKS;
export type TaskInput<N extends TaskName> = Parameters<(typeof TASKS)[N]>[0];
export type TaskOutput<N extends TaskName> = Awaited<ReturnType<(typeof TASKS)[N]>>;
