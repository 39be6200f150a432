import type { CleanMode } from '../contract.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { required, runStep } from './merge-step.ts';
import type { PairTask } from './pair-task.ts';
import { typed } from './typed-failure.ts';

export interface CleanSummary {
  mode: CleanMode;
  files: number;
  bytes: number;
  /** Checkpoints that stay, and the first of them with its reason: a history does not keep hundreds of names. */
  keptFiles: number;
  keptExample: { file: string; reason: string } | null;
  /** The command that brings moved files back; null where nothing of this output lies in the trash. */
  restore: string | null;
}

/** Deletes or moves the checkpoints that the published manifest names; it says what it kept. */
export const cleanCheckpoints =
  (dependencies: ActivityDependencies) =>
  (task: PairTask): Promise<CleanSummary> =>
    typed(async () => {
      const { receipt } = await runStep('clean', task, dependencies);
      const { mode, files, bytes, keptFiles, kept, restore } = required(receipt, 'receipt');
      return { mode, files, bytes, keptFiles, keptExample: kept[0] ?? null, restore };
    });
