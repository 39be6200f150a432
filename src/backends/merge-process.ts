import { getCompileCacheDir } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { MergeFigures } from '../payloads.ts';
import type { GuardedCommand } from '../guard/command.ts';
import { LockBusyError, LockUnusableError } from '../guard/lock.ts';
import { LimitInvalidError } from '../guard/memory-means.ts';
import { runGuarded } from '../guard/run.ts';
import { PROCESS_ENTRY } from '../merge/entries.ts';
import {
  onlyReads,
  type CleanReceipt,
  type Discovery,
  type MergeJob,
  type Prepared,
  type PublishedCheck,
  type Survey,
} from '../merge/job.ts';
import { stallEvidencePath, workspacePath } from '../merge/workspace.ts';
import { MergeError, type MergeContext } from './backend.ts';
import { Conversation } from './conversation.ts';
import { failureOf } from './guard-failure.ts';
import { checkOutputFolder, outputUnwritable } from './output-folder.ts';

export interface MergeProcessResult {
  survey?: Survey;
  discovery?: Discovery;
  prepared?: Prepared;
  /** wallMs is of this process alone, as its guard measured it; peakBytes the larger of what it said and what the guard saw. */
  figures?: MergeFigures;
  receipt?: CleanReceipt;
  check?: PublishedCheck;
}

/** Less is a merge with little to spare. */
const ROOMY_BYTES = 256 * 1024 ** 2;

/**
 * A merge makes much short-lived garbage; a small young generation keeps it from piling up before it is collected,
 * and takes tens of MB off the peak of 668 files. The smallest costs a second at full size.
 */
const nodeFlags = ({ memoryBytes }: MergeJob): string[] => [
  `--max-semi-space-size=${memoryBytes < ROOMY_BYTES ? 4 : 6}`,
];

/**
 * What the process holds for as long as it lives: the machine's lock and that of the output's workspace. What only reads
 * holds none. A cleaning makes room, and must not need any for a lock file of its own.
 */
function locksOf(job: MergeJob, machineLock: string): string[] {
  if (onlyReads(job)) return [];
  const { steps, output } = job;
  return steps.includes('clean') ? [machineLock] : [machineLock, join(workspacePath(output.path), 'lock')];
}

/**
 * Runs a merge job in a guarded child process under the locks that it needs. Throws a MergeError; where `context.signal` was aborted it throws the signal's reason. `entry` is the script of the child.
 */
export async function runMergeProcess(
  job: MergeJob,
  context: MergeContext,
  entry: string = fileURLToPath(PROCESS_ENTRY),
): Promise<MergeProcessResult> {
  const { limits, signal, clock } = context;
  signal?.throwIfAborted();
  if (!onlyReads(job)) await checkOutputFolder(dirname(job.output.path));
  const compileCache = getCompileCacheDir();
  const command: GuardedCommand = {
    command: process.execPath,
    args: [...nodeFlags(job), entry],
    env: {
      // Where blocks are not shared, verification has eight reads of the output under way at a time, each on a thread; Node's own number is four.
      UV_THREADPOOL_SIZE: '8',
      // An arena for each of these threads keeps what it had once: 30 MB at full size. Programs of others do as they like.
      ...(job.command === undefined && { MALLOC_ARENA_MAX: '1' }),
      ...(compileCache !== undefined && { NODE_COMPILE_CACHE: compileCache }),
    },
    input: `${JSON.stringify(job)}\n`,
    lockFiles: locksOf(job, context.machineLock),
    // A program of somebody else's may start what it likes: nothing of it outlives the guard.
    ...(job.command !== undefined && job.steps.includes('merge') && { isolate: true }),
    // Nothing is written beside an output that may never come, or lies where nothing can be written.
    ...(onlyReads(job) ? {} : { evidenceFile: stallEvidencePath(job.output.path) }),
  };
  const conversation = new Conversation(context.onProgress);
  const report = await runGuarded(command, limits, {
    onMessage: (message) => conversation.hear(message),
    ...(context.onMemory === undefined ? {} : { onSample: context.onMemory }),
    ...(signal === undefined ? {} : { signal }),
    ...(clock === undefined ? {} : { clock }),
  }).catch((error: unknown) => {
    throw typedStartError(error, context);
  });
  if (report.outcome === 'cancelled') throw signal?.reason ?? new Error('cancelled');
  const failure = failureOf(report, conversation);
  if (failure !== null) throw failure;
  const { survey, discovery, prepared, figures, receipt, check } = conversation;
  return {
    ...(survey === null ? {} : { survey }),
    ...(discovery === null ? {} : { discovery }),
    ...(prepared === null ? {} : { prepared }),
    ...(receipt === null ? {} : { receipt }),
    ...(check === null ? {} : { check }),
    ...(figures === null
      ? {}
      : {
          figures: {
            ...figures,
            // A later step hands on the figures of the merge before it, whose time must not count again.
            wallMs: Math.round(report.wallMs),
            peakBytes: Math.max(figures.peakBytes, report.peakBytes),
          },
        }),
  };
}

function typedStartError(error: unknown, { machineLock }: MergeContext): unknown {
  if (error instanceof LimitInvalidError)
    return new MergeError({ type: 'ConfigInvalid', message: error.message }, { cause: error });
  if (error instanceof LockBusyError) {
    const what =
      error.lockFile === machineLock ? 'this machine is busy with another merge' : 'this output is being merged';
    const message = `${what}: ${error.lockFile} is held by ${error.holder}`;
    return new MergeError({ type: 'MachineBusy', message, file: error.lockFile }, { cause: error });
  }
  if (error instanceof LockUnusableError) {
    const { lockFile, code, message } = error;
    if (code === 'ENOSPC' || code === 'EDQUOT') {
      return new MergeError(
        { type: 'DiskFull', message: `no space for ${lockFile}`, file: lockFile },
        { cause: error },
      );
    }
    if (lockFile !== machineLock)
      return outputUnwritable(dirname(dirname(lockFile)), `cannot be written: ${message}`, error);
    const advice = 'name another one in WIDEMERGE_LOCK_FILE';
    return new MergeError(
      { type: 'ConfigInvalid', message: `${message}; ${advice}`, file: lockFile },
      { cause: error },
    );
  }
  return error;
}
