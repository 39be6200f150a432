import type { Checkpoint, MergePlan } from '../plan.ts';

export interface VerifyProgress {
  bytes: (count: number) => void;
  file: () => void;
}

/** Counts bytes and files that have been verified, and tells `onProgress`. */
export function trackProgress(
  { checkpoints }: MergePlan,
  onProgress: (bytesDone: number, bytesTotal: number, filesDone: number, filesTotal: number) => void,
): VerifyProgress {
  const filesTotal = checkpoints.length;
  const bytesTotal = totalChunkBytes(checkpoints);
  let bytesDone = 0;
  let filesDone = 0;
  const report = (): void => onProgress(bytesDone, bytesTotal, filesDone, filesTotal);
  return {
    bytes: (count) => {
      bytesDone += count;
      report();
    },
    file: () => {
      filesDone++;
      report();
    },
  };
}

/** Of all chunks of these but the keys'. */
export const totalChunkBytes = (checkpoints: Checkpoint[]): number =>
  checkpoints.reduce((sum, checkpoint) => sum + chunkBytes(checkpoint), 0);

/** Of all chunks but the key's. */
export function chunkBytes({ footer, columns }: Checkpoint): number {
  let bytes = 0;
  for (const { chunks } of footer.rowGroups)
    for (const { firstLeaf, leaves } of columns)
      for (let leaf = firstLeaf; leaf < firstLeaf + leaves; leaf++) bytes += chunks[leaf]!.length;
  return bytes;
}
