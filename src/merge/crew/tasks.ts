/** What a crew does; each takes and gives plain data, since it may go to another thread. Loaded when they are first asked for. */
import type { GatherTask } from '../gather/gather-part.ts';
import type { ChunksCheck } from '../verify/compare-chunks.ts';
import type { ColumnsCheck } from '../verify/columns.ts';

/** What a task may hear and tell while it is done. */
export interface TaskContext {
  /** Only where it is done in the thread that asked for it; another thread is ended. */
  signal: AbortSignal | undefined;
  /** Bytes that were dealt with since the last call. */
  onBytes: (bytes: number) => void;
}

export const TASKS = {
  gather: async (task: GatherTask, context: TaskContext) =>
    (await import('../gather/gather-part.ts')).gatherParts(task, context),
  compare: async (task: ColumnsCheck) => (await import('../verify/columns.ts')).compareColumns(task),
  bytes: async (task: ChunksCheck, context: TaskContext) =>
    (await import('../verify/compare-chunks.ts')).compareChunks(task, context),
};

export type TaskName = keyof typeof TASKS;
export type TaskInput<N extends TaskName> = Parameters<(typeof TASKS)[N]>[0];
export type TaskOutput<N extends TaskName> = Awaited<ReturnType<(typeof TASKS)[N]>>;
