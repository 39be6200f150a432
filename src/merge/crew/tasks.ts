/** What a crew does; each takes and gives plain data, since it may go to another thread. */
import { gatherParts } from '../gather/gather-part.ts';
import { compareColumns } from '../verify-columns.ts';

export const TASKS = { gather: gatherParts, compare: compareColumns };

export type TaskName = keyof typeof TASKS;
export type TaskInput<N extends TaskName> = Parameters<(typeof TASKS)[N]>[0];
export type TaskOutput<N extends TaskName> = Awaited<ReturnType<(typeof TASKS)[N]>>;
