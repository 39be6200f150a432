import type { MergeFigures } from '../payloads.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { required, runStep } from './merge-step.ts';
import type { OutputTask } from './pair-task.ts';
import { typed } from './typed-failure.ts';

/** Gives the verified output its final name, which never replaces a stranger's file. */
export const publishOutput =
  (dependencies: ActivityDependencies) =>
  (task: OutputTask): Promise<MergeFigures> =>
    typed(async () => {
      const { figures } = await runStep('publish', task, dependencies);
      return required(figures, 'figures');
    });
