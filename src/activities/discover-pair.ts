import type { Discovery } from '../merge/job.ts';
import { predictPeak } from '../merge/predict/peak.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { required, runStep } from './merge-step.ts';
import { guardLimits, type PairTask } from './pair-task.ts';
import { typed } from './typed-failure.ts';

/** Lists the checkpoints and reads every footer; bad input stops the pair here. Says what memory its merge may take, and is expected to. */
export const discoverPair =
  (dependencies: ActivityDependencies) =>
  (task: PairTask): Promise<Discovery> =>
    typed(async () => {
      const { discovery } = await runStep('discover', task, dependencies);
      const found = required(discovery, 'discovery');
      if (found.alreadyMerged !== null) return found;
      const limits = guardLimits(task.config, dependencies.totalMemoryBytes);
      // Whichever of the two lines a merge reaches first ends it.
      const limitBytes = Math.min(limits.memoryBytes, limits.killAboveBytes);
      const machine = { ...dependencies.machine, memoryBytes: limitBytes };
      const curves = await dependencies.readCurves();
      const shape = { ...found, rowGroups: found.rowGroups ?? 1, verify: task.config.verify };
      const predicted: NonNullable<Discovery['memory']>['predicted'] = {};
      for (const backend of task.config.backends) {
        const peak = predictPeak(backend, shape, machine, curves);
        if (peak !== null) predicted[backend] = peak.bytes;
      }
      return { ...found, memory: { limitBytes, predicted } };
    });
