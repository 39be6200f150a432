import { spawn, type ChildProcess } from 'node:child_process';

import { childEnvironment } from '../config/environment.ts';
import { killTree } from './kill.ts';
import { readStat } from './proc.ts';
import { ProcessTree } from './process-tree.ts';

/** A command of the operator's own, run beside the merges: a check of the machine, a notification. */
export interface HookCommand {
  /** Program and arguments; no shell. It gets this process's environment and working folder. */
  command: readonly string[];
  /** All of its standard input, which ends after it. */
  input?: string;
  timeoutMs: number;
}

export interface HookEnding {
  outcome: 'succeeded' | 'failed' | 'timed-out' | 'not-started';
  /** The first line that it wrote, of standard output rather than of standard error; empty where it wrote nothing. */
  firstLine: string;
  /** How it ended, one line, for people. */
  says: string;
}

const HEAD_BYTES = 4096;
const LONGEST_LINE = 300;
/** Instead of how it ended. */
const LATE = Symbol('late');
/** For the last words of a command that has ended, which somebody else may still hold open. */
const DRAIN_MS = 500;

/** Runs the command to its end; at the timeout it is killed, with all that it has started, as is what it leaves behind. Never rejects. */
export async function runHook({ command, input, timeoutMs }: HookCommand): Promise<HookEnding> {
  const [program = '', ...args] = command;
  let child: ChildProcess;
  try {
    child = spawn(program, args, { detached: true, stdio: 'pipe', env: childEnvironment({}) });
  } catch (error) {
    return notStarted(program, error as Error);
  }
  const root = child.pid === undefined ? null : readStat(child.pid);
  if (root === null) {
    if (child.kill('SIGKILL')) return notStarted(program, new Error('what cannot be watched is not run'));
    const error = await new Promise<Error>((resolve) => child.once('error', resolve));
    return notStarted(program, error);
  }
  const tree = new ProcessTree(root);
  const output = [child.stdout, child.stderr].map((stream) => new Head(stream));
  const exited = new Promise<string | null>((resolve) => {
    child.once('exit', (code, signal) => resolve(code === 0 ? null : (signal ?? `exit code ${code ?? 'unknown'}`)));
  });
  child.stdin?.on('error', () => undefined); // It need not read it.
  child.stdin?.end(input ?? '');

  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<typeof LATE>((resolve) => (timer = setTimeout(resolve, timeoutMs, LATE)));
  const fault = await Promise.race([exited, late]);
  clearTimeout(timer);
  killTree(tree); // All of it, or what it has left behind.
  await Promise.all(output.map((head) => head.drain(DRAIN_MS)));
  child.unref();

  const firstLine = output.map((head) => head.firstLine()).find((line) => line !== '') ?? '';
  if (fault === LATE)
    return { outcome: 'timed-out', firstLine, says: `not done after ${timeoutMs / 1000} s, and was killed` };
  if (fault === null) return { outcome: 'succeeded', firstLine, says: firstLine || 'ended well' };
  return { outcome: 'failed', firstLine, says: firstLine || `ended with ${fault}, and said nothing` };
}

function notStarted(program: string, { message }: Error): HookEnding {
  return { outcome: 'not-started', firstLine: '', says: `${program} cannot be started: ${message}` };
}

/** The first bytes of a stream; the rest is read and dropped, so that the writer is never held up. */
class Head {
  readonly #stream: ChildProcess['stdout'];
  readonly #closed: Promise<void>;
  #kept = Buffer.alloc(0);

  constructor(stream: ChildProcess['stdout']) {
    this.#stream = stream;
    stream?.on('error', () => undefined); // Followed by close.
    stream?.on('data', (chunk: Buffer) => {
      if (this.#kept.length < HEAD_BYTES) this.#kept = Buffer.concat([this.#kept, chunk]).subarray(0, HEAD_BYTES);
    });
    this.#closed = new Promise((resolve) => (stream === null ? resolve() : stream.once('close', resolve)));
  }

  async drain(ms: number): Promise<void> {
    const timer = setTimeout(() => this.#stream?.destroy(), ms);
    await this.#closed;
    clearTimeout(timer);
  }

  firstLine(): string {
    const line = this.#kept
      .toString('utf8')
      .split('\n')
      .map((text) => text.trim())
      .find((text) => text !== '');
    return (line ?? '').slice(0, LONGEST_LINE);
  }
}
