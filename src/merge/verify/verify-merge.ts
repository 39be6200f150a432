/**
 * Verification: reads the output back from the disk and compares it with the checkpoints, by other code than wrote it.
 *
 * `bytes`: footer, key values, the bytes of every chunk that was taken over, every value of what was rewritten.
 * `full`: every value of every flat column, decoded. Nested columns are compared by their bytes only, in both modes.
 */
import { formatCrc32 } from '../crc32.ts';
import { openCrew, openHelper } from '../crew/crew.ts';
import { isWorthAHelper } from '../crew/crew-size.ts';
import { MergeFailure, unreadableCode } from '../errors.ts';
import { assertUnchanged } from '../fingerprint.ts';
import { dataEnd, footerChecksum, rangeChecksum } from '../footer-checksum.ts';
import { formatKeys, formatNames } from '../keys/key-tuples.ts';
import type { KeyValue } from '../keys/key-values.ts';
import { readFooterOf, type Footer } from '../parquet/footer.ts';
import type { MergePlan } from '../plan.ts';
import { DiskFile, type ReadableFile } from '../system/disk-file.ts';
import { DiskReader } from '../system/disk-reader.ts';
import { takeTurn } from '../system/take-turn.ts';
import { checkTail, checkTailIsWhole } from '../written.ts';
import { checkAlignedKeys } from './aligned-keys.ts';
import { checkByValue } from './by-value.ts';
import { sourceSum, sumOtherChunks } from './sum-chunks.ts';
import { Checksum, compareFiles } from './compare-files.ts';
import { copiedFile } from './copied-file.ts';
import { matchColumns, mismatch, OUTPUT, writesAnew } from './footer.ts';
import { checkKeyChunks } from './key-chunk.ts';
import { checkMetadata } from './metadata.ts';
import { firstDifference, readAllKeys } from './output-keys.ts';
import { checkPageIndexes, indexedPairs } from './page-indexes.ts';
import { totalChunkBytes, trackProgress } from './progress.ts';
import type { Verification, VerifyRequest } from './request.ts';
import { checkBySecondParser } from './second-opinion.ts';

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
  await using helper = isWorthAHelper(totalChunkBytes(takenOver)) ? openHelper(signal) : null;
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
