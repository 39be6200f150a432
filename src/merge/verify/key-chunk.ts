import { open } from 'node:fs/promises';
import { crc32 } from '../crc32.ts';
import { chunkPieces } from '../parquet/chunk-bytes.ts';
import type { Footer } from '../parquet/footer.ts';
import type { MergePlan } from '../plan.ts';
import type { Checksum } from './compare-files.ts';
import { checkChunk, mismatch } from './footer.ts';

/**
 * Checks that key columns that were taken over have the bytes of their checkpoint's, and are described as there. `sums`: of
 * the output's key chunks, for each key column one a row group. Throws OutputMismatch.
 */
export async function checkKeyChunks(
  { spine, checkpoints }: MergePlan,
  output: Footer,
  sums: Checksum[][],
): Promise<void> {
  if (spine.source === null) return;
  const { path, name, footer, keys } = checkpoints[spine.source]!;
  const handle = await open(path, 'r');
  try {
    for (const [group, { chunks }] of footer.rowGroups.entries())
      for (const [index, key] of keys.entries()) {
        const chunk = chunks[key.firstLeaf]!;
        checkChunk(chunk, output.rowGroups[group]!.chunks[index]!, key.name, footer.columnOrders !== null);
        let crc = 0;
        for await (const piece of chunkPieces(handle, chunk, key, name)) crc = crc32(piece, crc);
        if (crc !== sums[index]![group]!.crc)
          throw mismatch(`the bytes of its key ${key.name} are not those of ${name}`, key.name);
      }
  } finally {
    await handle.close();
  }
}
