/**
 * Verification: reads the output back from the disk and compares it with the checkpoints, by other code than wrote it.
 *
 * `bytes`: footer, key values, the bytes of every chunk that was taken over, every value of what was rewritten.
 * `full`: every value of every flat column, decoded. Nested columns are compared by their bytes only, in both modes.
 */
import { open, type FileHandle } from 'node:fs/promises';
import { Checksum, compareChunks, type ChunkPair } from './verify-bytes.ts';
import { combineCrc32, formatCrc32 } from './crc32.ts';
import { openCrew } from './crew/crew.ts';
import { crewSize } from './crew/crew-size.ts';
import { inParallel } from './crew/in-parallel.ts';
import { MergeFailure } from './errors.ts';
import { assertUnchanged } from './fingerprint.ts';
import type { MergeJob } from './job.ts';
import { formatKey } from './keys.ts';
import { footerChecksum } from './footer-checksum.ts';
import { readFooter, valuesOf, type Footer } from './parquet/footer.ts';
import { PageWalk } from './parquet/page-header.ts';
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
  /** Of the output's footer (footer-checksum.ts). */
  footerCrc32: string;
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
  for (const checkpoint of plan.checkpoints) await assertUnchanged(checkpoint);
  const progress = trackProgress(request);
  const columnsOf = Map.groupBy(columns.entries(), ([, { source }]) => source?.checkpoint ?? null);
  const sums = columns.map(() => footer.rowGroups.map(() => new Checksum()));
  const takenOver = plan.checkpoints.filter(({ index }) => engine === 'stitch' && plan.aligned[index]);
  let footerCrc32: string;
  const output = await open(outputPath, 'r');
  try {
    await using disk = await DiskReader.open(outputPath);
    footerCrc32 = await footerChecksum(disk);
    // Work for the processor, done while the chunks are read; settled before anything is closed.
    const checks = Promise.all([
      checkBySecondParser(outputPath, footer),
      checkOutputKeys(plan, output, footer),
      checkAlignedKeys(plan, takenOver),
    ]);
    const compared = compareChunks(disk, chunkPairs(columnsOf, footer, new Set(takenOver), sums), {
      onBytes: progress.bytes,
      onDone: async (checkpoint) => {
        await assertUnchanged(checkpoint);
        progress.file();
      },
      signal: request.signal,
    });
    await Promise.allSettled([checks, compared]);
    await Promise.all([checks, compared]);
    await checkByValue(request, footer, columnsOf, new Set(takenOver), sums, progress);
    await sumOtherChunks(columns, output, footer, sums, request.signal);
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
  const bytesTotal = plan.checkpoints.reduce((sum, checkpoint) => sum + chunkBytes(checkpoint), 0);
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

/** Of all chunks but the key's. */
function chunkBytes({ footer, columns }: Checkpoint): number {
  let bytes = 0;
  for (const { chunks } of footer.rowGroups)
    for (const { firstLeaf, leaves } of columns)
      for (let leaf = firstLeaf; leaf < firstLeaf + leaves; leaf++) bytes += chunks[leaf]!.length;
  return bytes;
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
): Generator<ChunkPair> {
  for (const [checkpoint, own] of columnsOf) {
    if (checkpoint === null || !takenOver.has(checkpoint)) continue;
    const { columnOrders } = checkpoint.footer;
    for (const [group, { chunks }] of checkpoint.footer.rowGroups.entries())
      for (const [index, { output, source }] of own) {
        const { firstLeaf, leaves, name } = source!.column;
        for (let leaf = 0; leaf < leaves; leaf++) {
          const pair = {
            checkpoint,
            column: name,
            source: chunks[firstLeaf + leaf]!,
            output: footer.rowGroups[group]!.chunks[output.firstLeaf + leaf]!,
            sum: sums[index]![group]!,
            walk: new PageWalk(chunks[firstLeaf + leaf]!.length, valuesOf(chunks[firstLeaf + leaf]!)),
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

/** Several checkpoints at a time, as many as there are processors and memory for. */
async function checkByValue(
  request: VerifyRequest,
  footer: Footer,
  columnsOf: Map<Checkpoint | null, IndexedColumn[]>,
  takenOver: Set<Checkpoint>,
  sums: Checksum[][],
  progress: ReturnType<typeof trackProgress>,
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
      await assertUnchanged(checkpoint);
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
  columns: ExpectedColumn[],
  output: FileHandle,
  footer: Footer,
  sums: Checksum[][],
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const [index, { output: column }] of columns.entries())
    for (const [group, { chunks }] of footer.rowGroups.entries()) {
      const sum = sums[index]![group]!;
      if (sum.bytes > 0) continue;
      for (const chunk of chunks.slice(column.firstLeaf, column.firstLeaf + column.leaves))
        for await (const piece of chunkPieces(output, chunk, column, OUTPUT)) {
          signal?.throwIfAborted();
          sum.add(piece);
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
