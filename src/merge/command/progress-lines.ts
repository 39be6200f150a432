export interface CommandProgress {
  done: number;
  total: number;
}

/** A line of progress is short; what is longer is something else, and is not kept. */
const LONGEST_LINE = 1024;

/** Finds `{"done": 1, "total": 2}` among the lines of a program's standard output; all else is passed over, gigabytes too. */
export class ProgressLines {
  readonly #onProgress: (progress: CommandProgress) => void;
  #line = '';

  constructor(onProgress: (progress: CommandProgress) => void) {
    this.#onProgress = onProgress;
  }

  push(chunk: Buffer): void {
    let from = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      this.#keep(chunk, from, end);
      this.#read();
      from = end + 1;
    }
    this.#keep(chunk, from, chunk.length);
  }

  #keep(chunk: Buffer, from: number, to: number): void {
    const room = LONGEST_LINE - this.#line.length;
    if (room > 0) this.#line += chunk.toString('latin1', from, Math.min(to, from + room));
  }

  #read(): void {
    const line = this.#line;
    this.#line = '';
    if (!line.startsWith('{')) return;
    try {
      const { done, total } = JSON.parse(line) as Partial<CommandProgress>;
      if (isAmount(done) && isAmount(total) && done <= total) this.#onProgress({ done, total });
    } catch {
      return; // Its own words, and none of ours.
    }
  }
}

const isAmount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
