import { parquetMetadata, parquetSchema } from 'hyparquet';
import type { Footer } from './parquet/footer.ts';
import { DiskFile } from './system/disk-file.ts';
import { DiskReader } from './system/disk-reader.ts';

/** What a footer says, as plain data: it goes to another thread. */
export interface FooterClaims {
  path: string;
  rows: number;
  names: string[];
  /** By row group, of its chunks: where they start, and their bytes. */
  rowGroups: { starts: Float64Array; lengths: Float64Array }[];
}

/** A second parser's objects take about 1.5 KB a chunk. */
const MAX_CHUNKS = 100_000;

/** Null where there are more chunks than a second parser has memory for. */
export function claimsOf(path: string, { rows, columns, leaves, rowGroups }: Footer): FooterClaims | null {
  if (leaves * rowGroups.length > MAX_CHUNKS) return null;
  return {
    path,
    rows,
    names: columns.map(({ name }) => name),
    rowGroups: rowGroups.map(({ chunks }) => ({
      starts: Float64Array.from(chunks, ({ start }) => start),
      lengths: Float64Array.from(chunks, ({ length }) => length),
    })),
  };
}

/** Whether another Parquet library reads the same in the footer: a bug that this one makes when writing and reading does not hide. */
export async function isReadTheSame({ path, rows, names, rowGroups }: FooterClaims): Promise<boolean> {
  const metadata = parquetMetadata(await footerBytes(path), { geoparquet: false });
  const { children } = parquetSchema(metadata);
  return (
    Number(metadata.num_rows) === rows &&
    children.length === names.length &&
    children.every(({ element }, i) => element.name === names[i]) &&
    metadata.row_groups.length === rowGroups.length &&
    metadata.row_groups.every((group, i) => sameChunks(group.columns, rowGroups[i]!))
  );
}

/** The footer with its length and the magic, as a whole file of no data: its own buffer, from the disk. */
async function footerBytes(path: string): Promise<ArrayBuffer> {
  await using disk = await DiskReader.open(path);
  const output = new DiskFile(disk);
  const { size } = await output.stat();
  const tail = Buffer.alloc(8);
  await output.read(tail, 0, 8, size - 8);
  const bytes = Buffer.alloc(tail.readUInt32LE(0) + 8);
  await output.read(bytes, 0, bytes.length, size - bytes.length);
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
}

type SecondMetadata = ReturnType<typeof parquetMetadata>;

function sameChunks(
  columns: SecondMetadata['row_groups'][number]['columns'],
  { starts, lengths }: FooterClaims['rowGroups'][number],
): boolean {
  return (
    columns.length === starts.length &&
    columns.every(({ meta_data: meta }, i) => {
      if (meta === undefined) return false;
      const data = Number(meta.data_page_offset);
      const dictionary = Number(meta.dictionary_page_offset ?? 0n);
      const start = dictionary > 0 ? Math.min(dictionary, data) : data;
      return start === starts[i] && Number(meta.total_compressed_size) === lengths[i];
    })
  );
}
