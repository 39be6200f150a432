/** The tries of one submission, and whether they may have had an effect that nobody has been told of. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Ask, Patience } from './patiently.ts';

export class Tries {
  /** Tries of which nobody has said that they had no effect. */
  undecided = 0;
  private last: Promise<unknown> = Promise.resolve();
  private readonly insert: Ask<unknown>;

  constructor(insert: Ask<unknown>) {
    this.insert = insert;
  }

  /** True where the job was there before. */
  readonly ask: Ask<boolean> = (waiting) => {
    this.undecided++;
    const answer = this.insert(waiting).then(
      () => false,
      (error: unknown) => {
        if (isRefusal(error)) this.undecided--;
        return wasSubmitted(error);
      },
    );
    this.last = answer.catch(() => undefined);
    return answer;
  };

  /** The one that was under way at an abort may still have its effect: its answer is waited for, not without end. */
  async settled({ pace }: Patience): Promise<void> {
    const ended = new AbortController();
    const limit = delay(pace?.answerMs, undefined, { signal: ended.signal }).catch(() => undefined);
    await Promise.race([this.last, limit]);
    ended.abort();
  }
}

/** The service's word that it has not taken the request. */
function isRefusal(error: unknown): boolean {
  const status = Number((error as { code?: unknown }).code);
  return status >= 400 && status < 500 && status !== 408 && status !== 409;
}

/** True: submitted before (by a lost answer, an attempt that crashed, another worker); false: ended with an error at once. */
function wasSubmitted(error: unknown): boolean {
  const { code, response } = error as { code?: unknown; response?: { jobReference?: object } };
  if (Number(code) === 409) return true;
  if (response?.jobReference === undefined) throw error;
  return false;
}
