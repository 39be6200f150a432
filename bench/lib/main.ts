/** How a bench begins and ends: a folder of its own that is gone afterwards, also after Ctrl-C; errors of its user in one line. */
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { EXIT, Interrupted, UsageError } from '../../src/cli/exit.ts';
import { interruptible } from '../../src/cli/interrupt.ts';
import { LockBusyError } from '../../src/guard/lock.ts';

/** Runs a bench whose signal the first Ctrl-C aborts, and sets the exit code of this process. */
export async function main(bench: (signal: AbortSignal) => Promise<void>): Promise<void> {
  using interrupt = interruptible();
  try {
    await bench(interrupt.signal);
  } catch (error) {
    const { aborted } = interrupt.signal;
    if (!aborted && !isForUser(error)) throw error;
    console.error(aborted ? new Interrupted().message : (error as Error).message);
    process.exitCode = aborted ? EXIT.interrupted : EXIT.usage;
  }
}

// A TypeError with a code is that of parseArgs.
const isForUser = (error: unknown): boolean =>
  error instanceof UsageError || error instanceof LockBusyError || (error instanceof TypeError && 'code' in error);

/** A new folder in `dir`, as long as `body` runs. */
export async function inWorkFolder<T>(dir: string, body: (work: string) => Promise<T>): Promise<T> {
  const work = await mkdtemp(join(dir, 'widemerge-bench-'));
  try {
    return await body(work);
  } finally {
    await rm(work, { recursive: true, force: true, maxRetries: 5 });
  }
}
