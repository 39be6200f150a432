/** Cuts a byte stream into lines; of a line longer than `longestBytes` only that much is kept, so that a child cannot fill the guard's memory. */
export class LineCutter {
  readonly #onLine: (line: string) => void;
  readonly #longestBytes: number;
  #parts: Buffer[] = [];
  #bytes = 0;

  constructor(longestBytes: number, onLine: (line: string) => void) {
    this.#longestBytes = longestBytes;
    this.#onLine = onLine;
  }

  push(chunk: Buffer): void {
    let from = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      this.#keep(chunk.subarray(from, end));
      this.end();
      from = end + 1;
    }
    this.#keep(chunk.subarray(from));
  }

  /** Hands out what is there as a line. */
  end(): void {
    if (this.#bytes === 0) return;
    const line = Buffer.concat(this.#parts).toString('utf8');
    this.#parts = [];
    this.#bytes = 0;
    this.#onLine(line);
  }

  #keep(part: Buffer): void {
    const kept = part.subarray(0, this.#longestBytes - this.#bytes);
    if (kept.length === 0) return;
    this.#parts.push(kept);
    this.#bytes += kept.length;
  }
}

/** The last bytes of a stream, as text. */
export class Tail {
  readonly #limitBytes: number;
  #kept: Buffer = Buffer.alloc(0);

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  push(chunk: Buffer): void {
    this.#kept = Buffer.concat([this.#kept, chunk.subarray(-this.#limitBytes)]).subarray(-this.#limitBytes);
  }

  /** At most `limitBytes` of UTF-8; a character that the cut has torn is left out. */
  toString(): string {
    let start = 0;
    while (start < 3 && ((this.#kept[start] ?? 0) & 0xc0) === 0x80) start++;
    return this.#kept.subarray(start).toString('utf8').trimEnd();
  }
}
