import type { Discovery } from '../merge/job.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { required, runStep } from './merge-step.ts';
import type { PairTask } from './pair-task.ts';
import { typed } from './typed-failure.ts';

/** Lists the checkpoints and reads every footer; bad input stops the pair here. */
export const discoverPair =
  (dependencies: ActivityDependencies) =>
  (task: PairTask): Promise<Discovery> =>
    typed(async () => {
      const { discovery } = await runStep('discover', task, dependencies);
      return required(discovery, 'discovery');
    });
