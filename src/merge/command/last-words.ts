/** What a program said before it ended: the last bytes of its standard error, bounded, and the line that says most. */
const KEPT_BYTES = 16 * 1024;
const LONGEST_LINE = 500;

export class LastWords {
  #kept: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): void {
    this.#kept = Buffer.concat([this.#kept, chunk.subarray(-KEPT_BYTES)]).subarray(-KEPT_BYTES);
  }

  get text(): string {
    return this.#kept.toString('utf8');
  }
}

/** An exception of Python or Node, or what C++ and Rust say when they give up. */
const TELLING =
  /^\s*((\w+\.)*\w*(Error|Exception|KilledWorker)(:| |$)|memory allocation of \d+ bytes failed|terminate called|what\(\):)/;

/** The last line that names an error, else the last one; shortened. */
export function tellingLine(words: string): string {
  const lines = words.split('\n').filter((line) => line.trim() !== '');
  const line = lines.findLast((candidate) => TELLING.test(candidate)) ?? lines.at(-1) ?? 'it said nothing';
  return line.trim().slice(0, LONGEST_LINE);
}
