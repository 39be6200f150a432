/**
 * Looks again whether an output on disk is still what its manifest says: the checksums of its footer and of every chunk. For outputs
 * that an earlier process published: before the checkpoints that they were made of are deleted, and whenever somebody asks.
 */
import { crc32, formatCrc32 } from './crc32.ts';
import { MergeFailure, unreadableCode } from './errors.ts';
import { dataEnd, footerChecksum, rangeChecksum } from './footer-checksum.ts';
import type { Manifest } from './manifest.ts';
import { readFooterOf } from './parquet/footer.ts';
import { alignedBuffer } from './system/aligned-buffer.ts';
import { DiskFile } from './system/disk-file.ts';
import { DiskReader, type Medium } from './system/disk-reader.ts';

const BUFFER_BYTES = 2 * 1024 * 1024;

interface RecheckHooks {
  /** What a failure's message ends with. */
  consequence?: string;
  onBytes: (done: number, total: number) => void;
  signal: AbortSignal | undefined;
}

/** Reads past the page cache; returns what it read from. Throws MergeFailure OutputMismatch, naming the column. Memory: the footer and 2 MiB. */
export async function recheckOutput(
  path: string,
  manifest: Manifest,
  { onBytes, signal, consequence = '; its checkpoints are kept' }: RecheckHooks,
): Promise<Medium> {
  const refuse = (what: string, column?: string): MergeFailure =>
    new MergeFailure('OutputMismatch', `${path}: is not any more what its manifest says: ${what}${consequence}`, {
      file: path,
      column,
    });
  try {
    return await compare(path, manifest, refuse, { onBytes, signal });
  } catch (error) {
    const code = unreadableCode(error);
    throw code === null ? error : refuse(`it cannot be read (${code})`);
  }
}

async function compare(
  path: string,
  manifest: Manifest,
  refuse: (what: string, column?: string) => MergeFailure,
  { onBytes, signal }: RecheckHooks,
): Promise<Medium> {
  await using disk = await DiskReader.open(path);
  const { footerCrc32, indexCrc32 } = manifest.output;
  const found = await footerChecksum(disk);
  if (footerCrc32 !== null && found.crc32 !== footerCrc32) throw refuse('its footer has changed');
  const footer = await readFooterOf(new DiskFile(disk), path).catch((error: unknown) => {
    throw error instanceof MergeFailure ? refuse(error.message) : error;
  });
  const { columns, rowGroups } = footer;
  if (columns.length !== manifest.columns.length || rowGroups.length !== manifest.rowGroups.length)
    throw refuse('it has other columns or row groups');
  if (indexCrc32 !== null && (await rangeChecksum(disk, dataEnd(footer), found.start, signal)) !== indexCrc32)
    throw refuse('what lies between its last column and its footer has changed');
  const buffer = alignedBuffer(BUFFER_BYTES);
  let done = 0;
  // In the order of the file.
  for (const [group, { chunks }] of rowGroups.entries())
    for (const [index, { name, firstLeaf, leaves }] of columns.entries()) {
      signal?.throwIfAborted();
      let crc = 0;
      for (const { start, length } of chunks.slice(firstLeaf, firstLeaf + leaves))
        for (let at = 0; at < length; at += BUFFER_BYTES) {
          const part = await disk.read(buffer, start + at, Math.min(BUFFER_BYTES, length - at));
          crc = crc32(part, crc);
          done += part.length;
          onBytes(done, manifest.output.bytes);
        }
      const expected = manifest.columns[index]!;
      if (expected.name !== name || expected.crc32[group] !== formatCrc32(crc))
        throw refuse(`the bytes of column ${name} have changed`, name);
    }
  onBytes(manifest.output.bytes, manifest.output.bytes);
  return disk.medium;
}
