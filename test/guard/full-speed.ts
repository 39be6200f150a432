import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { GuardReport } from '../../src/guard/command.ts';
import type { MemoryMeansName } from '../../src/guard/memory-means.ts';
import { runGuarded } from '../../src/guard/run.ts';

const SOURCE = fileURLToPath(new URL('../fixtures/eats-at-full-speed.c', import.meta.url));

/** Compiles the eater into this folder; null where there is no compiler: no other language here is as fast as the fault. */
export function buildEater(folder: string): string | null {
  const program = join(folder, 'eats-at-full-speed');
  return spawnSync('gcc', ['-O2', '-o', program, SOURCE], { stdio: 'ignore' }).status === 0 ? program : null;
}

export interface Meal {
  report: GuardReport;
  /** Bytes beyond the limit; negative where it was killed below it. */
  overshootBytes: number;
  /** From the moment the limit was passed to the last byte, ms; 0 where it never was. */
  killMs: number;
  bytesPerSecond: number;
}

/** An allocator at full speed under a guard with these memory means, and the watcher. */
export async function feed(
  program: string,
  limitBytes: number,
  processes: number,
  memoryMeans: readonly MemoryMeansName[],
): Promise<Meal> {
  const tally = `${program}.tally`;
  rmSync(tally, { force: true });
  const startedNs = Number(process.hrtime.bigint());
  const report = await runGuarded(
    { command: program, args: [tally, String(limitBytes), String(processes)], lockFiles: [], memoryMeans },
    { memoryBytes: limitBytes, killAboveBytes: limitBytes, timeoutMs: 60_000, stallMs: 60_000, graceMs: 1000 },
  );
  if (!existsSync(tally)) throw new Error(`the eater did not eat: ${JSON.stringify(report)}`);
  const words = new BigUint64Array(new Uint8Array(readFileSync(tally)).buffer, 0, 3);
  const [bytes = 0, passedNs = 0, lastNs = 0] = [...words].map(Number);
  return {
    report,
    // A kernel that picks one process gives its memory to the others: what all have touched was never there at once.
    overshootBytes: report.limitedBy === 'watcher' ? bytes - limitBytes : Math.max(0, report.peakBytes - limitBytes),
    killMs: passedNs === 0 ? 0 : (lastNs - passedNs) / 1e6,
    bytesPerSecond: bytes / ((lastNs - startedNs) / 1e9),
  };
}
