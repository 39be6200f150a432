import { heartbeat } from '@temporalio/activity';
import type { CloudProgress } from '../backends/bigquery.ts';
import type { MergeHeartbeat } from '../payloads.ts';
import type { Progress } from '../merge/job.ts';

/** The worker throttles to 2 s; a shorter period only keeps the figures fresh when its turn comes. */
const PERIOD_MS = 1_000;

/**
 * Reports on a timer, whether there is progress or not: a cancellation arrives with a heartbeat only, and whether a
 * merge hangs is the guard's question, not Temporal's.
 */
export class Heartbeat {
  private readonly figures: MergeHeartbeat;
  private readonly timer: NodeJS.Timeout;

  constructor(step: string) {
    this.figures = { step, filesDone: 0, filesTotal: 0, bytesDone: 0, bytesTotal: 0, memoryBytes: 0, peakBytes: 0 };
    this.send();
    this.timer = setInterval(() => this.send(), PERIOD_MS);
  }

  progress({ step, filesDone, filesTotal, bytesDone, bytesTotal }: Progress): void {
    Object.assign(this.figures, { step, filesDone, filesTotal, bytesDone, bytesTotal });
  }

  /** Of a step on the service: tables or parts stand for files. */
  cloud({ step, done, total, bytesDone, bytesTotal, bytesBilled, slotMs }: CloudProgress): void {
    Object.assign(this.figures, { step, filesDone: done, filesTotal: total, bytesDone, bytesTotal });
    if (bytesBilled !== undefined) this.figures.bytesBilled = bytesBilled;
    if (slotMs !== undefined) this.figures.slotMs = slotMs;
  }

  memory(memoryBytes: number): void {
    this.figures.memoryBytes = memoryBytes;
    this.figures.peakBytes = Math.max(this.figures.peakBytes, memoryBytes);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private send(): void {
    heartbeat({ ...this.figures });
  }
}

/** Runs work under a heartbeat. */
export async function reporting<T>(step: string, work: (heartbeat: Heartbeat) => Promise<T>): Promise<T> {
  const beat = new Heartbeat(step);
  try {
    return await work(beat);
  } finally {
    beat.stop();
  }
}
