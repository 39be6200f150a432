import { open, type FileHandle } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { tryLock } from '../guard/flock.ts';

const POLL_MS = 200;

export interface MakingLock {
  /** Made where it is missing, and left there: what counts is the lock, which goes with its process, and not the file. */
  path: string;
  /** After that somebody else's making is given up on. */
  waitMs: number;
  signal: AbortSignal | undefined;
  log: ((line: string) => void) | undefined;
  /** Ends the wait without the lock: what it was wanted for is there. */
  isDone: () => boolean;
}

/** Held until it is disposed of, and by whoever has inherited its descriptor as long as that lives. */
export interface HeldLock extends AsyncDisposable {
  descriptor: number;
}

/** Takes the lock; null once `isDone`. Throws where it cannot be had in time or at all, and the signal's reason. */
export async function takeMakingLock({ path, waitMs, signal, log, isDone }: MakingLock): Promise<HeldLock | null> {
  const file = await open(path, 'a+').catch((cause: unknown) => {
    throw unusable(path, cause);
  });
  try {
    const until = performance.now() + waitMs;
    for (let tries = 0; !isDone(); tries++) {
      signal?.throwIfAborted();
      if (isLocked(file, path)) {
        await sign(file);
        return { descriptor: file.fd, [Symbol.asyncDispose]: () => file.close() };
      }
      if (performance.now() > until) {
        const minutes = Math.ceil(waitMs / 60_000);
        throw new Error(
          `${await holderOf(file)} holds ${path} and is not done after ${minutes} min; end it, and try again`,
        );
      }
      if (tries === 0) log?.(`waiting for ${await holderOf(file)}, which installs them already`);
      await sleep(POLL_MS, undefined, signal === undefined ? {} : { signal });
    }
  } catch (error) {
    await file.close();
    signal?.throwIfAborted();
    throw error;
  }
  await file.close();
  return null;
}

function isLocked(file: FileHandle, path: string): boolean {
  try {
    return tryLock(file.fd);
  } catch (cause) {
    throw unusable(path, cause);
  }
}

/** A courtesy for those who wait; a full disk must not stop anybody. */
async function sign(file: FileHandle): Promise<void> {
  await file
    .truncate()
    .then(() => file.write(`${process.pid}`))
    .catch(() => undefined);
}

async function holderOf(file: FileHandle): Promise<string> {
  const { bytesRead, buffer } = await file.read(Buffer.alloc(20), 0, 20, 0);
  const pid = buffer.toString('utf8', 0, bytesRead).trim();
  return /^\d+$/.test(pid) ? `process ${pid}` : 'another process';
}

const unusable = (path: string, cause: unknown): Error =>
  new Error(`the lock ${path} cannot be used (${(cause as NodeJS.ErrnoException).code ?? String(cause)})`, { cause });
