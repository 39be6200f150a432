/**
 * A merge process: reads one MergeJob as a line from standard input, writes MergeMessages as lines to file
 * descriptor 3, and exits with 0, or with 3 after a message `failed`. When standard input ends, its guard is gone:
 * it stops at once, so that no merge outlives the worker that asked for it; the kernel sees to it where this process is
 * stuck and cannot.
 */
import { writeSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Engines } from './engine.ts';
import { EndedBySignal, isOutOfMemory, MergeFailure } from './errors.ts';
import type { MergeJob, MergeMessage } from './job.ts';
import { lackOfNode } from './node-version.ts';
import { runSteps } from './steps.ts';
import { dieWithParent } from './system/libc.ts';

const MESSAGES_FD = 3;
const EXIT_FAILED = 3;
const EXIT_GUARD_GONE = 4;
/** Progress is for people: more often than this nobody looks. */
const PROGRESS_MS = 100;

let lastProgressAt = -Infinity;

function emit(message: MergeMessage): void {
  if (message.event === 'progress') {
    const now = performance.now();
    if (now - lastProgressAt < PROGRESS_MS && message.bytesDone < message.bytesTotal) return;
    lastProgressAt = now;
  }
  writeSync(MESSAGES_FD, `${JSON.stringify(message)}\n`);
}

/** Makes this process a merge process. `engines` are those that it has beside the local ones. */
export function serve(engines: Engines = {}): void {
  dieWithParent();
  const controller = new AbortController();
  const input = createInterface({ input: process.stdin });
  input.once('line', (line) => {
    run(JSON.parse(line) as MergeJob, engines, controller.signal).catch((error: unknown) => {
      console.error(error);
      process.exit(1);
    });
  });
  input.once('close', () => process.exit(EXIT_GUARD_GONE));
  process.once('SIGTERM', () => controller.abort(new Error('terminated')));
}

async function run(job: MergeJob, engines: Engines, signal: AbortSignal): Promise<void> {
  try {
    const lack = lackOfNode();
    if (lack !== null) throw new MergeFailure('BackendUnavailable', lack);
    await runSteps(job, emit, signal, engines);
    process.exit(0);
  } catch (error) {
    // Ended by a signal from outside: its guard is to see that, and not a failure of the merge's own.
    if (signal.aborted) endBy('SIGTERM');
    if (error instanceof EndedBySignal) endBy(error.signal);
    const failure = typedFailure(error, job);
    if (failure === null) throw error;
    emit({ event: 'failed', failure: failure.facts });
    process.exit(EXIT_FAILED);
  }
}

/**
 * The handler was for one signal only, so that another one ends the process; where it comes late (another thread takes
 * it) or not at all (the first process of a pid namespace), the exit code says the same, as shells do.
 */
function endBy(signal: NodeJS.Signals): never {
  process.kill(process.pid, signal);
  process.exit(128 + constants.signals[signal]);
}

/** System errors that have a type of their own; anything else is a bug and ends the process with its stack. */
function typedFailure(error: unknown, job: MergeJob): MergeFailure | null {
  if (error instanceof MergeFailure) return error;
  if (isOutOfMemory(error)) return new MergeFailure('MemoryExhausted', `the merge ran out of memory: ${error.message}`);
  const { code, path } = error as { code?: string; path?: string };
  const where = path ?? job.output.path;
  // Checkpoints lie directly in their folder; the output and its working files may lie somewhere below it.
  const isCheckpoint = path !== undefined && path !== job.output.path && dirname(path) === resolve(job.source.dir);
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new MergeFailure(
      'DiskFull',
      `${where}: no space left on its disk; free some, the merge goes on from there`,
      {
        file: where,
      },
    );
  if (code === 'EACCES' || code === 'EROFS' || code === 'EPERM')
    return isCheckpoint
      ? new MergeFailure('CheckpointInvalid', `${path}: cannot be read (${code}); mend its permissions`, { file: path })
      : new MergeFailure('OutputUnwritable', `${where}: cannot be written (${code}); mend the folder's permissions`, {
          file: where,
        });
  // Without a path it is that of an open file, or of a copy between two.
  if (code === 'EIO')
    return isCheckpoint
      ? new MergeFailure('CheckpointInvalid', `${path}: cannot be read (EIO); look after its disk`, { file: path })
      : new MergeFailure(
          'OutputUnwritable',
          path === undefined
            ? `${where}: a disk failed while it was made (EIO); look after those of checkpoints and output`
            : `${where}: cannot be written (EIO); look after its disk`,
          { file: where },
        );
  if (code === 'ENOENT' && isCheckpoint)
    return new MergeFailure('InputChanged', `${path}: vanished while it was merged`, { file: path });
  return null;
}
