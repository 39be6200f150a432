/**
 * Verification: reads the output back from the disk and compares it with the checkpoints, by other code than wrote it.
 *
 * `bytes`: footer, key values, the bytes of every chunk that was taken over, every value of what was rewritten.
 * `full`: every value of every flat column, decoded. Nested columns are compared by their bytes only, in both modes.
 */
import { Checksum, compareFiles, type ChunkPair, type CopiedFile } from './verify-bytes.ts';
import { combineCrc32, formatCrc32 } from './crc32.ts';
import { openCrew, openHelper } from './crew/crew.ts';
import { crewSize } from './crew/crew-size.ts';
import { inParallel } from './crew/in-parallel.ts';
import { MergeFailure, unreadableCode } from './errors.ts';
import { assertUnchanged } from './fingerprint.ts';
import type { MergeJob } from './job.ts';
import { formatKeys, formatNames } from './key-tuples.ts';
import type { KeyValue } from './keys.ts';
import { dataEnd, footerChecksum, rangeChecksum } from './footer-checksum.ts';
import { readFooterOf, type Chunk, type Footer } from './parquet/footer.ts';
import { chunkPieces } from './parquet/chunk-bytes.ts';
import type { Column } from './parquet/schema.ts';
import type { Checkpoint, MergePlan } from './plan.ts';
import { checkBySecondParser } from './second-opinion.ts';
import { DiskFile, type ReadableFile } from './system/disk-file.ts';
import { DiskReader, type Medium } from './system/disk-reader.ts';
import { takeTurn } from './system/take-turn.ts';
import { checkAlignedKeys } from './verify-aligned-keys.ts';
import { checkCheckpointValues } from './verify-checkpoint.ts';
import { checkChunk, matchColumns, mismatch, OUTPUT, writesAnew, type ExpectedColumn } from './verify-footer.ts';
import { checkKeyChunks } from './verify-key-chunk.ts';
import { firstDifference, readAllKeys } from './verify-keys.ts';
import { chunkBytes, totalChunkBytes, trackProgress, type VerifyProgress } from './verify-progress.ts';
import { checkMetadata } from './verify-metadata.ts';
import { checkPageIndexes, expectedPages, indexedPairs, keyPageWalk } from './verify-page-indexes.ts';
import { checkTail, checkTailIsWhole, type Written } from './written.ts';

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
  /** What the engine has written; without it, bits that no value depends on may be wrong in what was not taken over. */
  written?: Written | undefined;
  /** Of the whole process: says how many checkpoints are compared by value at a time; one where it is missing. */
  memoryBytes?: number;
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
  /** What was read of the output came from there. */
  medium: Medium;
  /** Of the output's footer (footer-checksum.ts), and of what lies between it and the last column chunk. */
  footerCrc32: string;
  indexCrc32: string | null;
}

/** A thread takes 20 MB, 28 where it reads the output, too, and 100 ms of a processor until it is at work. */
const WORTH_A_THREAD = 768 * 1024 ** 2;

/**
 * Throws MergeFailure OutputMismatch (naming column, row and both values), InputChanged, CheckpointInvalid, and the
 * signal's reason. Memory: a few buffers of 1 MiB, with a thread what it needs to know of up to 64 files, or two columns a thread where values are compared.
 */
export async function verifyMerge(request: VerifyRequest): Promise<Verification> {
  try {
    return await verify(request);
  } catch (error) {
    // What cannot be read in the output is the merge's fault, and no checkpoint's.
    if (error instanceof MergeFailure && error.facts.type === 'CheckpointInvalid' && error.facts.file === OUTPUT)
      throw mismatch(error.message, error.facts.column);
    const code = unreadableCode(error);
    if (code !== null && (error as NodeJS.ErrnoException).path === request.outputPath)
      throw mismatch(`its disk does not give back what was written (${code})`);
    throw error;
  }
}

async function verify(request: VerifyRequest): Promise<Verification> {
  const { plan, outputPath, written, signal } = request;
  const engine = request.engine ?? 'stitch';
  const takenOver = plan.checkpoints.filter(({ index }) => engine === 'stitch' && plan.aligned[index]);
  // All that is read of the output comes from the disk by this one: what the page cache holds of it proves nothing.
  await using disk = await DiskReader.open(outputPath);
  await using own = openCrew(1, signal);
  // It gets ready while this thread reads the footer.
  await using helper = totalChunkBytes(takenOver) > WORTH_A_THREAD ? openHelper(signal) : null;
  const output = new DiskFile(disk);
  const { size } = await output.stat();
  if (written !== undefined) await checkTail(disk, written, signal);
  const footer = await readFooterOf(output, OUTPUT);
  if (written !== undefined) checkTailIsWhole(footer, size, written);
  const columns = matchColumns(plan, footer, engine);
  for (const checkpoint of plan.checkpoints) assertUnchanged(checkpoint);
  const progress = trackProgress(plan, request.onProgress);
  const columnsOf = Map.groupBy(columns.entries(), ([, { source }]) => source?.checkpoint ?? null);
  const sums = columns.map(() => footer.rowGroups.map(() => new Checksum()));
  const footerSum = await footerChecksum(disk);
  const end = dataEnd(footer);
  const pagesOf = await checkPageIndexes(disk, indexedPairs(plan, engine, columns, footer));
  const checkWhole = async (): Promise<void> => {
    const checks = [
      checkBySecondParser(output, footer),
      checkMetadataOf(request, footer),
      checkOutputKeys(plan, output, footer),
      checkAlignedKeys(plan, takenOver, signal),
    ];
    // All have ended before anything is closed.
    await Promise.allSettled(checks);
    await Promise.all(checks);
  };
  await compareFiles({
    ...{ output: disk, own, helper, onBytes: progress.bytes, beside: checkWhole },
    files: takenOver.map((checkpoint) =>
      copiedFile(checkpoint, columnsOf.get(checkpoint) ?? [], footer, sums, pagesOf),
    ),
    onDone: (checkpoint) => {
      assertUnchanged(checkpoint);
      progress.file();
    },
  });
  // Gone before values are compared, which takes threads of its own.
  await helper?.close();
  await checkByValue(request, footer, columnsOf, new Set(takenOver), sums, progress);
  await sumOtherChunks(plan, columns, output, footer, sums, pagesOf, signal);
  if (!writesAnew(engine)) await checkKeyChunks(plan, footer, sums);
  for (const { index, crc32 } of written?.columns ?? [])
    if (sums[index]!.some(({ crc }, group) => formatCrc32(crc) !== crc32[group])) {
      const { name } = columns[index]!.output;
      throw mismatch(`the bytes of column ${name} are not on the disk as they were written`, name);
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
    medium: disk.medium,
    footerCrc32: footerSum.crc32,
    indexCrc32: footerSum.start > end ? await rangeChecksum(disk, end, footerSum.start) : null,
  };
}

async function checkMetadataOf({ plan, engine = 'stitch' }: VerifyRequest, footer: Footer): Promise<void> {
  // Takes a while at a stretch: what other threads are to do comes first.
  await takeTurn();
  if (engine === 'stitch' || engine === 'bigquery')
    checkMetadata(plan, footer, ({ index }) => engine === 'bigquery' || !plan.aligned[index]);
}

async function checkOutputKeys({ spine, keyNames }: MergePlan, output: ReadableFile, footer: Footer): Promise<void> {
  const keys = await readAllKeys(output, footer, footer.columns.slice(0, keyNames.length), spine.types, OUTPUT);
  const row = firstDifference(keys, spine.keys);
  if (row === null) return;
  const show = (value: KeyValue | undefined): string => (value === undefined ? 'none' : formatKeys(value, spine.types));
  throw mismatch(
    `its key in row ${row + 1} is ${show(keys.values[row])} instead of ${show(spine.keys.values[row])}`,
    formatNames(keyNames),
  );
}

type IndexedColumn = [index: number, column: ExpectedColumn];

/** Its chunks in the order of the output: row groups, then columns. */
const copiedFile = (
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

/** Several checkpoints at a time, as many as there are processors and memory for. */
async function checkByValue(
  request: VerifyRequest,
  footer: Footer,
  columnsOf: Map<Checkpoint | null, IndexedColumn[]>,
  takenOver: Set<Checkpoint>,
  sums: Checksum[][],
  progress: VerifyProgress,
): Promise<void> {
  const { plan, mode, signal } = request;
  const checkpoints = plan.checkpoints.filter((checkpoint) => mode === 'full' || !takenOver.has(checkpoint));
  if (checkpoints.length === 0) return;
  const rowsMost = Math.max(footer.rows, ...checkpoints.map((checkpoint) => checkpoint.footer.rows));
  const crew = openCrew(crewSize(request.memoryBytes ?? 0, rowsMost), signal);
  try {
    await inParallel(checkpoints, crew.size === 1 ? 1 : crew.size + 1, async (checkpoint) => {
      signal?.throwIfAborted();
      const columns = columnsOf.get(checkpoint) ?? [];
      const found = await checkCheckpointValues({
        ...{ checkpoint, plan, crew, output: { path: request.outputPath, footer } },
        columns: columns.map(([, column]) => column),
        anyNan: request.engine === 'bigquery',
      });
      assertUnchanged(checkpoint);
      if (takenOver.has(checkpoint)) return;
      const flat = columns.filter(([, { output }]) => !output.nested);
      for (const [i, [index]] of flat.entries())
        for (const [group, { crc32, bytes }] of found[i]!.entries()) sums[index]![group]!.append(crc32, bytes);
      progress.bytes(chunkBytes(checkpoint));
      progress.file();
    });
  } finally {
    await crew.close();
  }
}

/** Of the chunks that nothing was compared with byte for byte or by value: the key, and nested columns of other engines. */
async function sumOtherChunks(
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
