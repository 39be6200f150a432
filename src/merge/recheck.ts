/**
 * Looks again whether an output on disk is still what its manifest says: the checksums of its footer and of every chunk. For outputs
 * that an earlier process published: before the checkpoints that they were made of are deleted, and whenever somebody asks.
 */
import { crc32 } from 'node:zlib';
import { formatCrc32 } from './crc32.ts';
import { MergeFailure, unreadableCode } from './errors.ts';
import { footerChecksum } from './footer-checksum.ts';
import { indexChecksum } from './index-checksum.ts';
import type { Manifest } from './manifest.ts';
import { readFooter } from './parquet/footer.ts';
import { alignedBuffer, DiskReader } from './system/disk-reader.ts';

const BUFFER_BYTES = 2 * 1024 * 1024;

interface RecheckHooks {
  /** What a failure's message ends with. */
  consequence?: string;
  onBytes: (done: number, total: number) => void;
  signal: AbortSignal | undefined;
}

/** Reads past the page cache. Throws MergeFailure OutputMismatch, naming the column. Memory: the footer and 2 MiB. */
export async function recheckOutput(
  path: string,
  manifest: Manifest,
  { onBytes, signal, consequence = '; its checkpoints are kept' }: RecheckHooks,
): Promise<void> {
  const refuse = (what: string, column?: string): MergeFailure =>
    new MergeFailure('OutputMismatch', `${path}: is not any more what its manifest says: ${what}${consequence}`, {
      file: path,
      column,
    });
  try {
    await compare(path, manifest, refuse, { onBytes, signal });
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
): Promise<void> {
  const footer = await readFooter(path, path).catch((error: unknown) => {
    throw error instanceof MergeFailure ? refuse(error.message) : error;
  });
  const { columns, rowGroups } = footer;
  if (columns.length !== manifest.columns.length || rowGroups.length !== manifest.rowGroups.length)
    throw refuse('it has other columns or row groups');
  await using disk = await DiskReader.open(path);
  const { footerCrc32, indexCrc32 } = manifest.output;
  if (footerCrc32 !== null && (await footerChecksum(disk)) !== footerCrc32) throw refuse('its footer has changed');
  if (indexCrc32 !== null && (await indexChecksum(disk, footer)) !== indexCrc32)
    throw refuse('its page indexes have changed');
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
}
