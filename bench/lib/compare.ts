/** Contenders side by side: all of them in turn, round after round, so that a noisy minute of the machine falls on all alike. */
import { join } from 'node:path';
import { mkdir, rm } from 'node:fs/promises';
import type { Contender } from './contender.ts';
import { measure, type Measurement, type RunLimits } from './measure.ts';

export interface Comparison extends RunLimits {
  contenders: Contender[];
  /** Folder of the files. */
  sources: string;
  /** A folder of its own is made in here for each run, and removed after it. */
  work: string;
  rounds: number;
  spillBytes: number;
  /** Whoever took longer, or did not end well, is not run again. */
  repeatBelowMs: number;
  /** Throws where the output is not what was to be made. */
  check: (output: string, contender: Contender) => Promise<void>;
  onRun?: (contender: Contender, round: number, measured: Measurement) => void;
}

/** What each contender did, a measurement a round, in the order of the contenders. Rejects with the signal's reason once it was aborted. */
export async function compare(comparison: Comparison): Promise<Measurement[][]> {
  const { contenders, sources, work, rounds, memoryBytes, spillBytes, timeoutMs, repeatBelowMs, check, signal, onRun } =
    comparison;
  const measured: Measurement[][] = contenders.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [index, contender] of contenders.entries()) {
      const own = measured[index]!;
      if (own.some(({ outcome, wallMs }) => outcome !== 'succeeded' || wallMs > repeatBelowMs)) continue;
      const folder = join(work, 'run');
      await mkdir(folder);
      try {
        const output = join(folder, 'merged.parquet');
        const once = await measure(
          contender,
          { sources, output, memoryBytes, spillBytes },
          { memoryBytes, timeoutMs, signal },
        );
        signal.throwIfAborted();
        if (once.outcome === 'succeeded') await check(output, contender);
        own.push(once);
        onRun?.(contender, round, once);
      } finally {
        await rm(folder, { recursive: true, force: true, maxRetries: 5 });
      }
    }
  }
  return measured;
}
