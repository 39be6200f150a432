import { deserializeTCompactProtocol } from 'hyparquet/src/thrift.js';
import type { Chunk, Footer } from '../parquet/footer.ts';
import type { ReadableFile } from '../system/disk-file.ts';
import { mismatch } from './footer.ts';

/** A second parser's objects take about 1 KB a chunk. */
const MAX_CHUNKS = 100_000;

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
 * parser of Thrift alone: what it makes of that would take as much memory again. Throws OutputMismatch.
 */
export async function checkBySecondParser(output: ReadableFile, footer: Footer): Promise<void> {
  if (footer.leaves * footer.rowGroups.length > MAX_CHUNKS) return;
  const other = deserializeTCompactProtocol({ view: await footerView(output), offset: 0 }) as unknown as OtherFooter;
  const names = topLevelNames(other.field_2);
  const agrees =
    Number(other.field_3) === footer.rows &&
    names.length === footer.columns.length &&
    names.every((name, i) => name === footer.columns[i]!.name) &&
    other.field_4.length === footer.rowGroups.length &&
    other.field_4.every((group, i) => sameChunks(group.field_1, footer.rowGroups[i]!.chunks));
  if (!agrees) throw mismatch('two parsers read its footer in two ways');
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
async function footerView(output: ReadableFile): Promise<DataView> {
  const { size } = await output.stat();
  const tail = Buffer.alloc(8);
  await output.read(tail, 0, 8, size - 8);
  const bytes = Buffer.alloc(tail.readUInt32LE(0) + 8);
  await output.read(bytes, 0, bytes.length, size - bytes.length);
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function sameChunks(columns: OtherChunk[], chunks: Chunk[]): boolean {
  return (
    columns.length === chunks.length &&
    columns.every(({ field_3: meta }, i) => {
      if (meta === undefined) return false;
      const data = Number(meta.field_9);
      const dictionary = Number(meta.field_11 ?? 0n);
      const start = dictionary > 0 ? Math.min(dictionary, data) : data;
      return start === chunks[i]!.start && Number(meta.field_7) === chunks[i]!.length;
    })
  );
}
