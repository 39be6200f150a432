import { constrainedMemory } from 'node:process';
import { availableParallelism, hostname, totalmem } from 'node:os';
import type { ActivityDependencies } from '../activities/dependencies.ts';
import type { BudgetBooks } from '../backends/bigquery-purse.ts';
import { bigqueryBackend } from '../backends/bigquery.ts';
import { createBackends } from '../backends/index.ts';
import { openJournal } from '../backends/journal.ts';
import { readCurves } from '../backends/measured-curves.ts';
import { runMergeProcess } from '../backends/merge-process.ts';
import { machineLockPath } from '../config/environment.ts';
import { checkHealth } from '../guard/health.ts';

/** The activities' dependencies on a real machine. */
export function machineDependencies(searchAttributesReady: boolean, books: BudgetBooks): ActivityDependencies {
  return {
    backends: createBackends(),
    bigquery: bigqueryBackend(),
    books,
    runMergeProcess,
    checkHealth,
    openJournal,
    machineLock: machineLockPath,
    totalMemoryBytes: availableMemoryBytes(totalmem(), constrainedMemory()),
    machine: { cores: availableParallelism(), host: hostname() },
    readCurves: async () => (await readCurves()).curves,
    searchAttributesReady: () => searchAttributesReady,
  };
}

/** In a container the limit counts, where there is one; Node says 0, or more than the machine has, where there is none. */
export function availableMemoryBytes(machineBytes: number, limitBytes: number): number {
  return limitBytes > 0 ? Math.min(machineBytes, limitBytes) : machineBytes;
}
