/**
 * Whether another library reads the same in the footer: a bug that this one makes when writing and reading does not hide. Its
 * parser of Thrift alone: what it makes of that would take as much memory again.
 */
import { deserializeTCompactProtocol } from 'hyparquet/src/thrift.js';
import { isOutOfMemory } from './errors.ts';
import { TAIL_BYTES } from './footer-checksum.ts';
import { MAX_FOOTER_BYTES, type Footer } from './parquet/footer.ts';
import { readStruct } from './parquet/thrift.ts';
import { alignedBuffer } from './system/aligned-buffer.ts';
import { readLent, type LentReader } from './system/disk-reader.ts';
import { mismatch } from './verify-footer.ts';

/** A second parser's objects take about 1 KB a chunk. */
const MAX_CHUNKS = 100_000;

export interface FooterOpinion {
  rows: number;
  /** Of the top-level columns. */
  names: string[];
  /** Of each row group: where a chunk begins, and how long it is, one chunk behind the other. */
  chunks: Float64Array[];
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

export const isWorthAnOpinion = (chunks: number): boolean => chunks <= MAX_CHUNKS;

/** Of a file of `size` bytes. Null where that parser, or this library's, cannot read it. Throws the system's errors. */
export async function readSecondOpinion({
  output,
  size,
}: {
  output: LentReader;
  size: number;
}): Promise<FooterOpinion | null> {
  const read = (start: number, length: number): Promise<Buffer> =>
    readLent(output, alignedBuffer(length), start, length);
  if (size < TAIL_BYTES) return null;
  const length = (await read(size - TAIL_BYTES, TAIL_BYTES)).readUInt32LE(0);
  if (length + TAIL_BYTES > size || length > MAX_FOOTER_BYTES) return null;
  const bytes = await read(size - TAIL_BYTES - length, length);
  try {
    // It believes the length of a list, whatever that is: here it is known not to be longer than its bytes.
    readStruct(bytes);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    return opinionOf(deserializeTCompactProtocol({ view, offset: 0 }) as unknown as OtherFooter);
  } catch (error) {
    if (isOutOfMemory(error)) throw error;
    return null;
  }
}

const opinionOf = (other: OtherFooter): FooterOpinion => ({
  rows: Number(other.field_3),
  names: topLevelNames(other.field_2),
  chunks: other.field_4.map(({ field_1: columns }) =>
    Float64Array.from(
      columns.flatMap(({ field_3: meta }) => {
        const data = Number(meta!.field_9);
        const dictionary = Number(meta!.field_11 ?? 0n);
        return [dictionary > 0 ? Math.min(dictionary, data) : data, Number(meta!.field_7)];
      }),
    ),
  ),
});

/** The children of the root: each element is followed by its own. Throws where there are fewer than they are said to be. */
function topLevelNames([root, ...elements]: OtherFooter['field_2']): string[] {
  const names: string[] = [];
  const decoder = new TextDecoder();
  for (let at = 0; names.length < (root?.field_5 ?? 0);) {
    names.push(decoder.decode(elements[at]?.field_4));
    for (let open = 1; open > 0; open--) {
      const element = elements[at++];
      if (element === undefined) throw new Error('ends in the middle of its schema');
      open += element.field_5 ?? 0;
    }
  }
  return names;
}

/** Throws OutputMismatch. */
export function requireSameOpinion(other: FooterOpinion | null, footer: Footer): void {
  const agrees =
    other !== null &&
    other.rows === footer.rows &&
    other.names.length === footer.columns.length &&
    other.names.every((name, i) => name === footer.columns[i]!.name) &&
    other.chunks.length === footer.rowGroups.length &&
    footer.rowGroups.every(({ chunks }, group) => {
      const own = other.chunks[group]!;
      return (
        own.length === 2 * chunks.length &&
        chunks.every(({ start, length }, i) => own[2 * i] === start && own[2 * i + 1] === length)
      );
    });
  if (!agrees) throw mismatch('two parsers read its footer in two ways');
}
