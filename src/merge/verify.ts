/**
 * Verification: reads the output back from the disk and compares it with the checkpoints, by other code than wrote it.
 *
 * `bytes`: footer, key values, the bytes of every chunk that was taken over, every value of what was rewritten.
 * `full`: every value of every flat column, decoded. Nested columns are compared by their bytes only, in both modes.
 */
import { open, type FileHandle } from 'node:fs/promises';
import { Checksum, compareChunks, type ChunkPair } from './verify-bytes.ts';
import { combineCrc32, formatCrc32 } from './crc32.ts';
import { MergeFailure } from './errors.ts';
import { assertUnchanged } from './fingerprint.ts';
import type { MergeJob } from './job.ts';
import { formatKey } from './keys.ts';
import { footerChecksum } from './footer-checksum.ts';
import { indexChecksum } from './index-checksum.ts';
import { readFooter, type Chunk, type Footer } from './parquet/footer.ts';
import { chunkPieces } from './parquet/chunk-bytes.ts';
import type { Checkpoint, MergePlan } from './plan.ts';
import { DiskReader } from './system/disk-reader.ts';
import { dropFromPageCache } from './system/page-cache.ts';
import { checkAlignedKeys } from './verify-aligned-keys.ts';
import { checkCheckpointValues } from './verify-checkpoint.ts';
import {
  checkBySecondParser,
  checkChunk,
  matchColumns,
  mismatch,
  OUTPUT,
  type ExpectedColumn,
} from './verify-footer.ts';
import { firstDifference, readAllKeys } from './verify-keys.ts';
import { checkMetadata } from './verify-metadata.ts';
import { checkPageIndexes, indexedPairs, keyPageWalk, pageWalk } from './verify-page-indexes.ts';

export interface VerifyRequest {
  plan: MergePlan;
  /** The temporary output, fsynced. */
  outputPath: string;
  mode: 'bytes' | 'full';
  /**
   * That wrote the output, by default `stitch`. The others take no chunk over as it is, and everything is compared by
   * value, whatever the mode; of `bigquery` a NaN is as good as any other.
   */
  engine?: MergeJob['engine'];
  onProgress: (bytesDone: number, bytesTotal: number, filesDone: number, filesTotal: number) => void;
  signal?: AbortSignal;
}

export interface Verification {
  mode: 'bytes' | 'full';
  /** Aligned checkpoints: CRC-32 of their wanted chunks' bytes in the order of the output, and how many bytes. */
  sources: { name: string; crc32: string; bytes: number }[];
  /** Columns of the output: name, checkpoint (null is the key), CRC-32 of its chunk in each row group. */
  columns: { name: string; source: string | null; crc32: string[] }[];
  /** Rows of each row group of the output. */
  rowGroupRows: number[];
  /** Of the output's footer (footer-checksum.ts), and of its page indexes (index-checksum.ts) if it has any. */
  footerCrc32: string;
  indexCrc32: string | null;
}

/**
 * Throws MergeFailure OutputMismatch (naming column, row and both values), InputChanged, CheckpointInvalid, and the
 * signal's reason. Memory: a few buffers of 2 MiB, or one column where values are compared.
 */
export async function verifyMerge(request: VerifyRequest): Promise<Verification> {
  try {
    return await verify(request);
  } catch (error) {
    // What cannot be read in the output is the merge's fault, and no checkpoint's.
    if (error instanceof MergeFailure && error.facts.type === 'CheckpointInvalid' && error.facts.file === OUTPUT)
      throw mismatch(error.message, error.facts.column);
    throw error;
  }
}

async function verify(request: VerifyRequest): Promise<Verification> {
  const { plan, outputPath } = request;
  const engine = request.engine ?? 'stitch';
  await forget(outputPath);
  const footer = await readFooter(outputPath, OUTPUT);
  const columns = matchColumns(plan, footer, engine);
  if (engine === 'stitch' || engine === 'bigquery')
    checkMetadata(plan, footer, ({ index }) => engine === 'bigquery' || !plan.aligned[index]);
  for (const checkpoint of plan.checkpoints) await assertUnchanged(checkpoint);
  const progress = trackProgress(request);
  const columnsOf = Map.groupBy(columns.entries(), ([, { source }]) => source?.checkpoint ?? null);
  const sums = columns.map(() => footer.rowGroups.map(() => new Checksum()));
  const takenOver = plan.checkpoints.filter(({ index }) => engine === 'stitch' && plan.aligned[index]);
  let footerCrc32: string;
  let indexCrc32: string | null;
  const output = await open(outputPath, 'r');
  try {
    await using disk = await DiskReader.open(outputPath);
    footerCrc32 = await footerChecksum(disk);
    indexCrc32 = await indexChecksum(disk, footer);
    const pagesOf = await checkPageIndexes(disk, indexedPairs(plan, engine, columns, footer));
    const { size } = await output.stat();
    // Work for the processor, done while the chunks are read; settled before anything is closed.
    const checks = Promise.all([
      checkBySecondParser(outputPath, footer),
      checkOutputKeys(plan, output, footer),
      checkAlignedKeys(plan, takenOver),
    ]);
    const compared = compareChunks(disk, chunkPairs(columnsOf, footer, new Set(takenOver), sums, pagesOf), {
      onBytes: progress.bytes,
      onDone: async (checkpoint) => {
        await assertUnchanged(checkpoint);
        progress.file();
      },
      signal: request.signal,
    });
    await Promise.allSettled([checks, compared]);
    await Promise.all([checks, compared]);
    await sumOtherChunks(plan, columns, output, footer, new Set(takenOver), sums, pagesOf, request.signal);
    for (const checkpoint of plan.checkpoints) {
      const byValue = !takenOver.includes(checkpoint);
      if (!byValue && request.mode === 'bytes') continue;
      await checkCheckpointValues({
        checkpoint,
        plan,
        output: { handle: output, size, footer },
        columns: (columnsOf.get(checkpoint) ?? []).map(([, column]) => column),
        anyNan: engine === 'bigquery',
        signal: request.signal,
        onBytes: byValue ? progress.bytes : () => undefined,
      });
      await assertUnchanged(checkpoint);
      if (byValue) progress.file();
    }
  } finally {
    await output.close();
  }
  return {
    mode: request.mode,
    sources: takenOver.map((checkpoint) => sourceSum(checkpoint, columnsOf.get(checkpoint) ?? [], sums)),
    columns: columns.map(({ output: { name }, source }, i) => ({
      name,
      source: source?.checkpoint.name ?? null,
      crc32: sums[i]!.map(({ crc }) => formatCrc32(crc)),
    })),
    rowGroupRows: footer.rowGroups.map(({ rows }) => rows),
    footerCrc32,
    indexCrc32,
  };
}

/** So that what is read next comes from the disk. */
async function forget(path: string): Promise<void> {
  const handle = await open(path, 'r');
  dropFromPageCache(handle);
  await handle.close();
}

function trackProgress({ plan, onProgress }: VerifyRequest): { bytes: (count: number) => void; file: () => void } {
  const filesTotal = plan.checkpoints.length;
  let bytesTotal = 0;
  for (const { footer, columns } of plan.checkpoints)
    for (const { chunks } of footer.rowGroups)
      for (const { firstLeaf, leaves } of columns)
        for (let leaf = firstLeaf; leaf < firstLeaf + leaves; leaf++) bytesTotal += chunks[leaf]!.length;
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

async function checkOutputKeys({ spine, keyName }: MergePlan, output: FileHandle, footer: Footer): Promise<void> {
  const keys = await readAllKeys(output, footer, footer.columns[0]!, spine.type, OUTPUT);
  const row = firstDifference(keys, spine.keys);
  if (row === null) return;
  const show = (value: bigint | string | undefined): string =>
    value === undefined ? 'none' : formatKey(value, spine.type);
  throw mismatch(
    `its key in row ${row + 1} is ${show(keys.values[row])} instead of ${show(spine.keys.values[row])}`,
    keyName,
  );
}

type IndexedColumn = [index: number, column: ExpectedColumn];

/** In the order of the checkpoints, then row groups, then columns: each source is read front to back. */
function* chunkPairs(
  columnsOf: Map<Checkpoint | null, IndexedColumn[]>,
  footer: Footer,
  takenOver: Set<Checkpoint>,
  sums: Checksum[][],
  pagesOf: Map<Chunk, number>,
): Generator<ChunkPair> {
  for (const [checkpoint, own] of columnsOf) {
    if (checkpoint === null || !takenOver.has(checkpoint)) continue;
    const { columnOrders } = checkpoint.footer;
    for (const [group, { chunks }] of checkpoint.footer.rowGroups.entries())
      for (const [index, { output, source }] of own) {
        const { firstLeaf, leaves, name } = source!.column;
        for (let leaf = 0; leaf < leaves; leaf++) {
          const written = footer.rowGroups[group]!.chunks[output.firstLeaf + leaf]!;
          const pair = {
            checkpoint,
            column: name,
            source: chunks[firstLeaf + leaf]!,
            output: written,
            sum: sums[index]![group]!,
            walk: pageWalk(pagesOf, written, chunks[firstLeaf + leaf]!, output),
          };
          checkChunk(pair.source, pair.output, name, columnOrders !== null);
          const order = columnOrders?.[firstLeaf + leaf];
          const outputOrder = footer.columnOrders?.[output.firstLeaf + leaf];
          if (order !== undefined && (outputOrder === undefined || Buffer.compare(order, outputOrder) !== 0))
            throw mismatch(`column ${name} has its bounds in another order than in its source`, name);
          yield pair;
        }
      }
  }
}

async function sumOtherChunks(
  plan: MergePlan,
  columns: ExpectedColumn[],
  output: FileHandle,
  footer: Footer,
  takenOver: Set<Checkpoint>,
  sums: Checksum[][],
  pagesOf: Map<Chunk, number>,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const [index, { output: column, source }] of columns.entries()) {
    if (source !== null && takenOver.has(source.checkpoint)) continue;
    for (const [group, { chunks }] of footer.rowGroups.entries())
      for (const chunk of chunks.slice(column.firstLeaf, column.firstLeaf + column.leaves)) {
        const walk = pagesOf.has(chunk) ? keyPageWalk(pagesOf, chunk, column, plan) : null;
        for await (const piece of chunkPieces(output, chunk, column, OUTPUT)) {
          signal?.throwIfAborted();
          sums[index]![group]!.add(piece);
          walk?.(piece);
        }
      }
  }
}

function sourceSum(
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
