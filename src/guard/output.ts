import type { Readable } from 'node:stream';

import { LineCutter, Tail } from './lines.ts';
import type { StartedChild } from './start.ts';

const TAIL_BYTES = 4096;
const LONGEST_LINE_BYTES = 64 * 1024;
const LONGEST_MESSAGE_BYTES = 4 * 1024 * 1024;
/** For what the child wrote last; the pipes close with its last process. */
const DRAIN_MS = 2000;

export interface OutputHooks {
  onMessage: (message: unknown) => void;
  onStderr: (line: string) => void;
}

/** Reads all that a child writes, for as long as it lives, keeping only what is asked for: no output can fill the guard's memory. */
export class Output {
  /** Messages so far that differ from the one before: a hung child may repeat itself on a timer, and that is no progress. */
  distinctMessages = 0;
  readonly #tail = new Tail(TAIL_BYTES);
  readonly #stdoutTail = new Tail(TAIL_BYTES);
  readonly #cutters: LineCutter[];
  readonly #streams: Readable[];
  readonly #closed: Promise<void>[];

  /** `pipes`: null where the child writes to this process's own streams: then there is nothing to read. */
  constructor(pipes: StartedChild['pipes'], hooks: OutputHooks) {
    if (pipes === null) {
      [this.#cutters, this.#streams, this.#closed] = [[], [], []];
      return;
    }
    const { stdout, stderr, messages } = pipes;
    let last = '';
    const messageLines = new LineCutter(LONGEST_MESSAGE_BYTES, (line) => {
      if (line !== last) this.distinctMessages++;
      last = line;
      const message = parseOrNull(line);
      if (message !== null) hooks.onMessage(message.value);
      else this.#tail.push(Buffer.from(`not a message: ${line.slice(0, 200)}\n`));
    });
    const errorLines = new LineCutter(LONGEST_LINE_BYTES, hooks.onStderr);
    messages.on('data', (chunk: Buffer) => messageLines.push(chunk));
    stdout.on('data', (chunk: Buffer) => this.#stdoutTail.push(chunk));
    stderr.on('data', (chunk: Buffer) => {
      this.#tail.push(chunk);
      errorLines.push(chunk);
    });
    this.#cutters = [messageLines, errorLines];
    this.#streams = [stdout, stderr, messages];
    this.#closed = this.#streams.map((stream) => {
      stream.on('error', () => undefined); // Followed by close.
      return new Promise((resolve) => stream.once('close', resolve));
    });
  }

  /** Last bytes of standard error, or of standard output where there is none; at most 4 KiB. */
  tail(): string {
    return this.#tail.toString() || this.#stdoutTail.toString();
  }

  /** Waits for the last bytes. */
  async drain(): Promise<void> {
    const timer = setTimeout(() => this.#streams.forEach((stream) => stream.destroy()), DRAIN_MS);
    await Promise.all(this.#closed);
    clearTimeout(timer);
    for (const cutter of this.#cutters) cutter.end();
  }
}

function parseOrNull(line: string): { value: unknown } | null {
  try {
    return { value: JSON.parse(line) };
  } catch {
    return null;
  }
}
