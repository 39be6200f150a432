import { combineCrc32, formatCrc32 } from '../crc32.ts';
import { chunkPieces } from '../parquet/chunk-bytes.ts';
import type { Chunk, Footer } from '../parquet/footer.ts';
import type { Checkpoint, MergePlan } from '../plan.ts';
import type { ReadableFile } from '../system/disk-file.ts';
import type { Checksum } from './compare-files.ts';
import { OUTPUT, type ExpectedColumn, type IndexedColumn } from './footer.ts';
import { keyPageWalk } from './page-indexes.ts';

/** Of the chunks that nothing was compared with byte for byte or by value: the key, and nested columns of other engines. */
export async function sumOtherChunks(
  plan: MergePlan,
  columns: ExpectedColumn[],
  output: ReadableFile,
  footer: Footer,
  sums: Checksum[][],
  pagesOf: Map<Chunk, number>,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const [index, { output: column }] of columns.entries())
    for (const [group, { chunks }] of footer.rowGroups.entries()) {
      const sum = sums[index]![group]!;
      if (sum.bytes > 0) continue;
      for (const chunk of chunks.slice(column.firstLeaf, column.firstLeaf + column.leaves)) {
        const walk = pagesOf.has(chunk) ? keyPageWalk(pagesOf, chunk, column, plan) : null;
        for await (const piece of chunkPieces(output, chunk, column, OUTPUT)) {
          signal?.throwIfAborted();
          sum.add(piece);
          walk?.(piece);
        }
      }
    }
}

export function sourceSum(
  checkpoint: Checkpoint,
  columns: IndexedColumn[],
  sums: Checksum[][],
): { name: string; crc32: string; bytes: number } {
  let crc = 0;
  let bytes = 0;
  for (let group = 0; group < checkpoint.footer.rowGroups.length; group++)
    for (const [index] of columns) {
      const sum = sums[index]![group]!;
      crc = combineCrc32(crc, sum.crc, sum.bytes);
      bytes += sum.bytes;
    }
  return { name: checkpoint.name, crc32: formatCrc32(crc), bytes };
}
