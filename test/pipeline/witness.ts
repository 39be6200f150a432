/**
 * Watches the folders of a run while things are killed around it, and remembers every look at which a promise of
 * widemerge was broken: a torn file under its final name, an output that changed once it was there, a checkpoint that
 * is gone without its merged copy.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) hash.update(chunk);
  return hash.digest('hex');
}

export class Witness implements AsyncDisposable {
  readonly violations: string[] = [];
  readonly #checkpoints: string;
  readonly #merged: string;
  readonly #expected: Map<string, string>;
  readonly #files: number;
  readonly #inodes = new Map<string, number>();
  #stopped = false;
  readonly #watching: Promise<void>;

  /** `expected`: for each pair the SHA-256 of the merged file that an undisturbed merge makes. */
  constructor(folders: { checkpoints: string; merged: string }, expected: Map<string, string>, filesPerPair: number) {
    this.#checkpoints = folders.checkpoints;
    this.#merged = folders.merged;
    this.#expected = expected;
    this.#files = filesPerPair;
    this.#watching = this.#watch();
  }

  async #watch(): Promise<void> {
    while (!this.#stopped) {
      for (const [pair, hash] of this.#expected) await this.#look(pair, hash);
      await delay(5);
    }
  }

  async #look(pair: string, expectedHash: string): Promise<void> {
    // Counted before the output is looked for: a checkpoint that is gone now must have had its copy already.
    const names = await readdir(join(this.#checkpoints, pair)).catch(() => []);
    const left = names.filter((name) => name.endsWith('.parquet')).length;
    const path = join(this.#merged, `${pair}.parquet`);
    const output = await stat(path).catch(() => null);
    if (output === null) {
      if (left < this.#files) this.violations.push(`${pair}: ${this.#files - left} checkpoints gone without an output`);
      return;
    }
    const seen = this.#inodes.get(pair);
    if (seen === output.ino) return;
    if (seen !== undefined) this.violations.push(`${pair}: published twice`);
    this.#inodes.set(pair, output.ino);
    if ((await sha256(path)) !== expectedHash) this.violations.push(`${pair}: not what an undisturbed merge makes`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    await this.#watching;
  }
}
