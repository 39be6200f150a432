import { MergeError } from '../backends/backend.ts';
import type { RunConfig } from '../payloads.ts';
import type { HealthReport } from '../guard/health.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { typed } from './typed-failure.ts';

/** The health gate: the machine must be fit for a merge (memory, swap, disk, load, clock, ...). Throws HostUnhealthy with the reasons. */
export const checkMachine =
  (dependencies: ActivityDependencies) =>
  (task: { config: RunConfig; neededDiskBytes: number }): Promise<HealthReport> =>
    typed(async () => {
      const { config, neededDiskBytes } = task;
      const { machineLock } = dependencies;
      const report = await dependencies.checkHealth({
        ...{ thresholds: config.health, folder: config.output, neededDiskBytes, machineLock },
      });
      if (report.healthy) return report;
      throw new MergeError({ type: 'HostUnhealthy', message: report.reasons.join('; ') });
    });
