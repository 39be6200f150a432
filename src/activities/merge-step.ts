import { cancellationSignal } from '@temporalio/activity';
import type { MergeContext } from '../backends/backend.ts';
import { MergeError } from '../backends/backend.ts';
import type { MergeProcessResult } from '../backends/merge-process.ts';
import type { MergeStep } from '../merge/job.ts';
import type { ActivityDependencies } from './dependencies.ts';
import type { Heartbeat } from './heartbeat.ts';
import { reporting } from './heartbeat.ts';
import type { OutputTask, PairTask } from './pair-task.ts';
import { guardLimits, mergeJob } from './pair-task.ts';

/** What a guarded merge process is given by an activity: limits, lock, cancellation, and who listens. */
export function mergeContext(task: PairTask, dependencies: ActivityDependencies, heartbeat: Heartbeat): MergeContext {
  return {
    limits: guardLimits(task.config, dependencies.totalMemoryBytes),
    machineLock: dependencies.machineLock,
    signal: cancellationSignal(),
    onProgress: (progress) => heartbeat.progress(progress),
    onMemory: (memoryBytes) => heartbeat.memory(memoryBytes),
  };
}

/** Runs one step of a pair in a guarded child process: nothing of the user's bytes is parsed in the worker. */
export async function runStep(
  step: MergeStep,
  task: PairTask | OutputTask,
  dependencies: ActivityDependencies,
): Promise<MergeProcessResult> {
  return reporting(step, (heartbeat) =>
    dependencies.runMergeProcess(
      mergeJob(task, [step], dependencies.totalMemoryBytes),
      mergeContext(task, dependencies, heartbeat),
    ),
  );
}

/** What a process that ended well must have said. */
export function required<T>(value: T | undefined, what: string): T {
  if (value === undefined) {
    throw new MergeError({ type: 'CommandFailed', message: `the merge process ended well without its ${what}` });
  }
  return value;
}
