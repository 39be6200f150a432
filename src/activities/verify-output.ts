import type { MergeFigures } from '../payloads.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { required, runStep } from './merge-step.ts';
import type { OutputTask } from './pair-task.ts';
import { typed } from './typed-failure.ts';

/** Compares what was merged with its sources, by other code than wrote it. Throws OutputMismatch. */
export const verifyOutput =
  (dependencies: ActivityDependencies) =>
  (task: OutputTask): Promise<MergeFigures> =>
    typed(async () => {
      const { figures } = await runStep('verify', task, dependencies);
      return required(figures, 'figures');
    });
