import { deserializeTCompactProtocol } from 'hyparquet/src/thrift.js';
import type { Footer } from './parquet/footer.ts';
import { DiskFile } from './system/disk-file.ts';
import { DiskReader } from './system/disk-reader.ts';

/** What a footer says of what lies where. */
interface FooterClaims {
  path: string;
  rows: number;
  names: string[];
  /** By row group, of its chunks: where they start, and their bytes. */
  rowGroups: { starts: Float64Array; lengths: Float64Array }[];
}

/** A second parser's objects take about 1 KB a chunk. */
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

/** The fields of parquet.thrift that are looked at, by the parser's names for them. */
interface OtherFooter {
  field_2: { field_4: Uint8Array; field_5?: number }[];
  field_3: bigint;
  field_4: { field_1: OtherChunk[] }[];
}
interface OtherChunk {
  field_3?: { field_7: bigint; field_9: bigint; field_11?: bigint };
}

/**
 * Whether another library reads the same in the footer: a bug that this one makes when writing and reading does not hide. Its
 * parser of Thrift alone: what it makes of that would take as much memory again.
 */
export async function isReadTheSame({ path, rows, names, rowGroups }: FooterClaims): Promise<boolean> {
  const view = await footerView(path);
  const footer = deserializeTCompactProtocol({ view, offset: 0 }) as unknown as OtherFooter;
  const columns = topLevelNames(footer.field_2);
  return (
    Number(footer.field_3) === rows &&
    columns.length === names.length &&
    columns.every((name, i) => name === names[i]) &&
    footer.field_4.length === rowGroups.length &&
    footer.field_4.every((group, i) => sameChunks(group.field_1, rowGroups[i]!))
  );
}

/** The children of the root: each element is followed by its own. */
function topLevelNames([root, ...elements]: OtherFooter['field_2']): string[] {
  const names: string[] = [];
  const decoder = new TextDecoder();
  for (let at = 0; names.length < (root?.field_5 ?? 0);) {
    names.push(decoder.decode(elements[at]?.field_4));
    for (let open = 1; open > 0; open--) open += elements[at++]?.field_5 ?? 0;
  }
  return names;
}

/** The footer as it stands on the disk, with its length and the magic behind it. */
async function footerView(path: string): Promise<DataView> {
  await using disk = await DiskReader.open(path);
  const output = new DiskFile(disk);
  const { size } = await output.stat();
  const tail = Buffer.alloc(8);
  await output.read(tail, 0, 8, size - 8);
  const bytes = Buffer.alloc(tail.readUInt32LE(0) + 8);
  await output.read(bytes, 0, bytes.length, size - bytes.length);
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function sameChunks(columns: OtherChunk[], { starts, lengths }: FooterClaims['rowGroups'][number]): boolean {
  return (
    columns.length === starts.length &&
    columns.every(({ field_3: meta }, i) => {
      if (meta === undefined) return false;
      const data = Number(meta.field_9);
      const dictionary = Number(meta.field_11 ?? 0n);
      const start = dictionary > 0 ? Math.min(dictionary, data) : data;
      return start === starts[i] && Number(meta.field_7) === lengths[i];
    })
  );
}
