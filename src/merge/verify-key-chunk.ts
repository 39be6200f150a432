import { open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { chunkPieces } from './parquet/chunk-bytes.ts';
import type { Footer } from './parquet/footer.ts';
import type { MergePlan } from './plan.ts';
import type { Checksum } from './verify-bytes.ts';
import { checkChunk, mismatch } from './verify-footer.ts';

/**
 * Checks that a key column that was taken over has the bytes of its checkpoint's, and is described as there. `sums`: of
 * the output's key chunks, one a row group. Throws OutputMismatch.
 */
export async function checkKeyChunks(
  { spine, checkpoints, keyName }: MergePlan,
  output: Footer,
  sums: Checksum[],
): Promise<void> {
  if (spine.source === null) return;
  const { path, name, footer, key } = checkpoints[spine.source]!;
  const handle = await open(path, 'r');
  try {
    for (const [group, { chunks }] of footer.rowGroups.entries()) {
      const chunk = chunks[key.firstLeaf]!;
      checkChunk(chunk, output.rowGroups[group]!.chunks[0]!, keyName, footer.columnOrders !== null);
      let crc = 0;
      for await (const piece of chunkPieces(handle, chunk, key, name)) crc = crc32(piece, crc);
      if (crc !== sums[group]!.crc) throw mismatch(`the bytes of its key ${keyName} are not those of ${name}`, keyName);
    }
  } finally {
    await handle.close();
  }
}
