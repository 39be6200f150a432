import type { Engine, Engines } from './engine.ts';
import { stitchPlan } from './stitch-plan.ts';
import { VERSION } from './version.ts';

const byCommand: Engine = async (request) => (await import('./command/command-engine.ts')).mergeByCommand(request);

/** The engines that need nothing but this machine. */
export const LOCAL_ENGINES: Engines = {
  stitch: ({ job, ...request }) =>
    stitchPlan({ ...request, memoryBytes: job.memoryBytes, createdBy: `widemerge version ${VERSION}` }),
  duckdb: async ({ job, plan, outputPath, workspace, signal, onBytes }) => {
    // Loaded only here: a stitch need not load a database.
    const { joinWithDuckdb } = await import('./duckdb-join.ts');
    return joinWithDuckdb({
      plan,
      outputPath,
      memoryBytes: job.memoryBytes,
      tempDir: workspace,
      onProgress: onBytes,
      signal,
    });
  },
  polars: byCommand,
  dask: byCommand,
  pandas: byCommand,
  command: byCommand,
};
