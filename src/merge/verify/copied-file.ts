import type { Chunk, Footer } from '../parquet/footer.ts';
import type { Column } from '../parquet/schema.ts';
import type { Checkpoint } from '../plan.ts';
import type { Checksum, ChunkPair, CopiedFile } from './compare-files.ts';
import { checkChunk, mismatch, type IndexedColumn } from './footer.ts';
import { expectedPages } from './page-indexes.ts';

/** The chunks of a checkpoint that were taken over, each with the one of the output that it has become; in the output's order: row groups, then columns. */
export const copiedFile = (
  checkpoint: Checkpoint,
  columns: IndexedColumn[],
  footer: Footer,
  sums: Checksum[][],
  pagesOf: Map<Chunk, number>,
): CopiedFile => ({
  checkpoint,
  pairs: () =>
    checkpoint.footer.rowGroups.flatMap(({ chunks }, group) =>
      columns.flatMap(([index, { output, source }]) => {
        const { firstLeaf, leaves } = source!.column;
        return chunks.slice(firstLeaf, firstLeaf + leaves).map((chunk, leaf) => {
          const at = { from: firstLeaf + leaf, to: output.firstLeaf + leaf };
          const written = footer.rowGroups[group]!.chunks[at.to]!;
          return chunkPair(
            { column: output, source: chunk, output: written, sum: sums[index]![group]! },
            { from: checkpoint.footer.columnOrders?.[at.from], to: footer.columnOrders?.[at.to] },
            pagesOf,
          );
        });
      }),
    ),
});

/** Checks the chunk's metadata, and the order of its bounds. Throws OutputMismatch. */
function chunkPair(
  { column, source, output, sum }: { column: Column; source: Chunk; output: Chunk; sum: Checksum },
  orders: { from: Uint8Array | undefined; to: Uint8Array | undefined },
  pagesOf: Map<Chunk, number>,
): ChunkPair {
  const { name } = column;
  checkChunk(source, output, name, orders.from !== undefined);
  if (orders.from !== undefined && (orders.to === undefined || Buffer.compare(orders.from, orders.to) !== 0))
    throw mismatch(`column ${name} has its bounds in another order than in its source`, name);
  return { column: name, source, output, pages: expectedPages(pagesOf, output, source, column), sum };
}
