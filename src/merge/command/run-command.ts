import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import type { EngineCommand } from '../../payloads.ts';
import { MergeFailure } from '../errors.ts';
import { heldLocks } from '../system/held-locks.ts';
import type { CommandEnding } from './ending.ts';
import { LastWords } from './last-words.ts';
import { ProgressLines, type CommandProgress } from './progress-lines.ts';

export interface CommandRequest {
  command: EngineCommand;
  signal: AbortSignal | undefined;
  onProgress: (progress: CommandProgress) => void;
}

/** For what has been written before it ended; children that it left behind may keep the pipes open for ever. */
const DRAIN_MS = 1_000;
/** Between SIGTERM and SIGKILL; shorter than the grace that this process is given itself. */
const GRACE_MS = 3_000;

/**
 * Runs a program as a child of this process, of its session and with its locks, so that it is of the guarded tree: standard
 * input is closed, standard error goes to this process's own, lines of standard output may be progress. Throws
 * BackendUnavailable where it cannot be started, and the signal's reason once it has been stopped.
 */
export async function runCommand({ command, signal, onProgress }: CommandRequest): Promise<CommandEnding> {
  signal?.throwIfAborted();
  const [program = '', ...args] = command.argv;
  const child = spawn(program, args, {
    cwd: command.dir,
    stdio: ['ignore', 'pipe', 'pipe', ...heldLocks()],
  }) as ChildProcessByStdio<null, Readable, Readable>;
  const started = new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  const words = new LastWords();
  const progress = new ProgressLines(onProgress);
  child.stdout.on('data', (chunk: Buffer) => progress.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => {
    words.push(chunk);
    process.stderr.write(chunk);
  });
  const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  const closed = once(child, 'close');
  // Both reject where the start fails, which is told below.
  exited.catch(() => undefined);
  closed.catch(() => undefined);
  try {
    await started;
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw new MergeFailure('BackendUnavailable', `${program} cannot be started (${why})`, {}, { cause });
  }
  const stop = stopper(
    () => child.kill('SIGTERM'),
    () => child.kill('SIGKILL'),
  );
  signal?.addEventListener('abort', stop.begin, { once: true });
  if (signal?.aborted === true) stop.begin();
  const [exitCode, endedBy] = await exited;
  stop.end();
  signal?.removeEventListener('abort', stop.begin);
  await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, DRAIN_MS).unref())]);
  child.stdout.destroy();
  child.stderr.destroy();
  signal?.throwIfAborted();
  return { exitCode, signal: endedBy, words: words.text };
}

function stopper(gently: () => void, hard: () => void): { begin: () => void; end: () => void } {
  let timer: NodeJS.Timeout | undefined;
  return {
    begin: () => {
      gently();
      timer = setTimeout(hard, GRACE_MS);
    },
    end: () => clearTimeout(timer),
  };
}
