/**
 * The manifest of an output: what it was made of, and the checksums that prove it later and anywhere. It lies beside
 * the output, and its id is in the output's footer, so that each can be told to belong to the other.
 */
import { readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as z from 'zod';
import { MergeFailure } from './errors.ts';
import { syncFolder } from './system/sync-folder.ts';
import { writeDurably } from './system/write-durably.ts';

const bytes = z.number().int().nonnegative();
const count = z.number().int().nonnegative();
/** CRC-32 as eight hexadecimal digits. */
const crc32 = z.string().regex(/^[0-9a-f]{8}$/);
const verifyMode = z.enum(['bytes', 'full', 'none']);

const schema = z.object({
  version: z.literal(1),
  /** Of the merge plan: the same inputs and options give the same id. */
  id: z.string(),
  /** ISO 8601. */
  createdAt: z.string(),
  createdBy: z.string(),
  engine: z.enum(['stitch', 'duckdb', 'bigquery', 'polars', 'dask', 'pandas', 'command']),
  /** The key's column, or its columns where it has several. */
  key: z.union([z.string(), z.array(z.string()).min(2)]),
  rows: z.enum(['union', 'reference', 'intersection']),
  /** Name of the checkpoint that gave the rows; null for the first one, and in the other modes. */
  reference: z.string().nullable().default(null),
  /** That were asked for; null where the checkpoints decided. */
  rowGroupRows: count.nullable().default(null),
  rowCount: count,
  columnCount: count,
  /** Rows of each row group. */
  rowGroups: z.array(count),
  output: z.object({
    name: z.string(),
    bytes,
    /** Of the footer with its length and the closing magic; null where it was not verified, or by an earlier version. */
    footerCrc32: crc32.nullable().default(null),
    /** Of what lies between the last column chunk and the footer: indexes, filters; null where nothing does, and as above. */
    indexCrc32: crc32.nullable().default(null),
  }),
  sources: z.array(
    z.object({
      name: z.string(),
      path: z.string(),
      fingerprint: z.object({ size: bytes, mtimeNs: z.string(), ino: z.string(), dev: z.string() }),
      aligned: z.boolean(),
      columns: count,
      /** Of its wanted chunks' bytes, in the order of the output; null where it was rewritten or not verified. */
      crc32: crc32.nullable(),
    }),
  ),
  /** Of the output's chunks, per row group; empty where it was not verified. Of a nested column: of its leaves together. */
  columns: z.array(z.object({ name: z.string(), source: z.string().nullable(), crc32: z.array(crc32) })),
  verification: z
    .object({
      mode: verifyMode,
      verifiedAt: z.string(),
      /** Where the output was read from; an earlier version did not say. */
      medium: z.enum(['disk', 'page cache', 'memory']).optional(),
    })
    .nullable(),
  /** Of a draft until it is verified: see written.ts. */
  written: z
    .object({
      tail: z.object({ bytes, crc32 }),
      columns: z.array(z.object({ index: count, crc32: z.array(crc32) })),
    })
    .optional(),
  figures: z.object({
    files: count,
    rows: count,
    columns: count,
    aligned: count,
    realigned: count,
    bytesRewritten: bytes.optional(),
    rowGroups: z.object({ count, rowsMost: count }).optional(),
    bytesIn: bytes,
    bytesOut: bytes,
    bytesCloned: bytes,
    bytesCopied: bytes,
    whyCopied: z.enum(['noClones', 'otherFileSystem']).exactOptional(),
    wallMs: z.number(),
    peakBytes: z.number(),
    verified: verifyMode,
    alreadyMerged: z.boolean(),
    notes: z.array(z.string()).exactOptional(),
  }),
});

export type Manifest = z.infer<typeof schema>;

/** Reads a manifest; null where there is none. Throws MergeFailure OutputExists for a file that is something else. */
export async function readManifest(path: string): Promise<Manifest | null> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  try {
    // A process reads one manifest or two: to compile a reader of them first takes longer.
    return schema.parse(JSON.parse(text), { jitless: true });
  } catch (error) {
    throw new MergeFailure(
      'OutputExists',
      `${path}: is no manifest of this version of widemerge; move it and the file it belongs to`,
      { file: path },
      { cause: error },
    );
  }
}

/** Writes a manifest so that a crash leaves the old one or the new one, and the new one is on disk on return. */
export async function writeManifest(path: string, manifest: Manifest): Promise<void> {
  const temporary = `${path}.tmp`;
  await writeDurably(temporary, `${JSON.stringify(manifest)}\n`);
  await rename(temporary, path);
  await syncFolder(dirname(path));
}
