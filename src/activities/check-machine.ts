import { MergeError } from '../backends/backend.ts';
import type { RunConfig } from '../contract.ts';
import type { HealthReport } from '../guard/health.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { typed } from './typed-failure.ts';

/** The health gate: memory, swap and disk must have room for a merge. Throws HostUnhealthy with the reasons. */
export const checkMachine =
  (dependencies: ActivityDependencies) =>
  (task: { config: RunConfig; neededDiskBytes: number }): Promise<HealthReport> =>
    typed(async () => {
      const { config, neededDiskBytes } = task;
      const report = await dependencies.checkHealth(config.health, config.output, neededDiskBytes);
      if (report.healthy) return report;
      throw new MergeError({ type: 'HostUnhealthy', message: report.reasons.join('; ') });
    });
