/**
 * Joins column chunks of many files into one file without decoding them: copies or clones their bytes and writes one
 * new footer. Memory is that of the footers, whatever the number of rows.
 */
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { formatCrc32 } from './crc32.ts';
import type { EngineResult } from './engine.ts';
import { MergeFailure } from './errors.ts';
import { joinRanges, placeRanges, targetOf, type Segment } from './parquet/layout.ts';
import { moveChunk, moveSchema } from './parquet/rewrite.ts';
import { SCHEMA_ELEMENT } from './parquet/field-ids.ts';
import type { Column } from './parquet/schema.ts';
import { integerOf } from './parquet/thrift.ts';
import { encodeFooter, type OutputRowGroup } from './parquet/write-footer.ts';
import type { Portion } from './portion.ts';
import { NearbyFile } from './system/nearby-file.ts';
import { OutputFile, SourceEnded } from './system/output-file.ts';
import { takeTurn } from './system/take-turn.ts';
import type { Written } from './written.ts';
import { writePageIndexes, type MovedChunk } from './write-page-indexes.ts';

export interface StitchRequest {
  outputPath: string;
  /** Columns of the output in order, and whether each may lack values because it was rewritten. */
  schema: { column: Column; optional: boolean }[];
  /** Per row group: its rows and its portions, whose columns together are the schema's, in order. */
  rowGroups: { rows: number; portions: Portion[] }[];
  metadata: Record<string, string>;
  createdBy: string;
  signal: AbortSignal | undefined;
  onBytes: (bytes: number) => void;
}

/** `tail` is of all behind the last column chunk. */
export type StitchResult = Omit<EngineResult, 'written'> & Pick<Written, 'tail'>;

const MAGIC = Buffer.from('PAR1', 'latin1');
/** Pages begin behind it. */
const FIRST_OFFSET = MAGIC.length;

/** Writes `outputPath` anew and fsyncs it. Throws the system's errors with their code. */
export async function stitch(request: StitchRequest): Promise<StitchResult> {
  const blockBytes = layoutBlock((await statfs(dirname(request.outputPath))).bsize);
  await using output = await OutputFile.create(request.outputPath, blockBytes);
  const written: StitchedRowGroup[] = [];
  let position = FIRST_OFFSET;
  for (const group of request.rowGroups) {
    written.push(await stitchRowGroup(request, { output, blockBytes }, group, position));
    position = written.at(-1)!.end;
  }
  const tail = await output.beginTail(position);
  await writePageIndexes(
    tail,
    written.flatMap(({ moved }) => moved),
  );
  const rowGroups: OutputRowGroup[] = written.map(({ moved, rowGroup }) => ({
    ...rowGroup,
    chunks: moved.map(({ chunk, shift, keepBounds, indexes }) => moveChunk(chunk, shift, keepBounds, indexes)),
  }));
  const footer = encodeFooter({
    rows: rowGroups.reduce((sum, group) => sum + group.rows, 0),
    topLevelColumns: request.schema.length,
    schema: encodeSchema(request.schema),
    rowGroups,
    columnOrders: request.rowGroups[0]!.portions.flatMap(({ columns }) => columns.flatMap(({ orders }) => orders)),
    metadata: request.metadata,
    createdBy: request.createdBy,
  });
  await tail.append(footer);
  const bytesOut = await output.finish(MAGIC, tail);
  const { bytesCloned, bytesCopied, whyCopied } = output;
  return {
    ...{ bytesOut, bytesCloned, bytesCopied, ...(whyCopied !== null && { whyCopied }) },
    tail: { bytes: tail.bytes, crc32: formatCrc32(tail.crc) },
  };
}

interface Target {
  output: OutputFile;
  blockBytes: number;
}

/**
 * Ranges are laid out by the block of the file system where it says one, and never by less than direct writes need. What
 * is larger than any block is a network's favourite size of a transfer.
 */
const layoutBlock = (bsize: number): number => (bsize > 4096 && bsize <= 65_536 ? bsize : 4096);

interface StitchedRowGroup {
  rowGroup: Omit<OutputRowGroup, 'chunks'>;
  /** In the order of the schema's leaves. */
  moved: MovedChunk[];
  end: number;
}

async function stitchRowGroup(
  request: StitchRequest,
  target: Target,
  group: { rows: number; portions: Portion[] },
  start: number,
): Promise<StitchedRowGroup> {
  const moved: MovedChunk[] = [];
  const { rows } = group;
  let position = start;
  let uncompressedBytes = 0;
  let compressedBytes = 0;
  let first: number | null = null;
  for (const portion of group.portions) {
    const wanted = portion.columns.flatMap((column) => column.chunks);
    // The very first portion, the key, begins right behind the magic: it is small, and readers expect it there.
    const alone = position !== FIRST_OFFSET;
    const { segments, end } = place(portion, position, alone ? target.blockBytes : 1);
    await copyPortion(
      request,
      target,
      portion,
      segments.map((segment) => ({ ...segment, alone })),
    );
    first ??= segments[0]?.target ?? null;
    position = end;
    const { path } = portion;
    for (const { chunks: own, keepBounds, column } of portion.columns)
      for (const chunk of own) {
        const shift = chunk.length === 0 ? 0 : targetOf(segments, chunk.start) - chunk.start;
        moved.push({ path, rows, physicalType: column.physicalType, chunk, shift, keepBounds, indexes: null });
      }
    for (const chunk of wanted) {
      uncompressedBytes += chunk.uncompressedLength;
      compressedBytes += chunk.length;
    }
  }
  return {
    rowGroup: { rows, uncompressedBytes, compressedBytes, start: first ?? start },
    moved,
    end: position,
  };
}

function place(portion: Portion, position: number, blockBytes: number): { segments: Segment[]; end: number } {
  const ranges = portion.columns.flatMap(({ chunks }) => chunks.map(({ start, length }) => ({ start, length })));
  try {
    return placeRanges(joinRanges(ranges), position, blockBytes);
  } catch (error) {
    if (error instanceof RangeError)
      throw new MergeFailure('CheckpointInvalid', `${portion.path}: has a broken footer: ${error.message}`, {
        file: portion.path,
      });
    throw error;
  }
}

async function copyPortion(
  request: StitchRequest,
  target: Target,
  portion: Portion,
  segments: (Segment & { alone: boolean })[],
): Promise<void> {
  using source = new NearbyFile(portion.path);
  // Clones wait for nothing.
  await takeTurn();
  try {
    for (const segment of segments) await target.output.place(source, segment, request.signal, request.onBytes);
  } catch (error) {
    if (!(error instanceof SourceEnded)) throw error;
    throw new MergeFailure('InputChanged', `${portion.path}: became shorter while it was merged`, {
      file: portion.path,
    });
  }
}

function encodeSchema(schema: StitchRequest['schema']): Uint8Array[] {
  const ids = schema
    .flatMap(({ column }) => column.elements)
    .map((element) => integerOf(element, SCHEMA_ELEMENT.fieldId))
    .filter((id) => id !== null);
  // Ids that two files gave to different columns would make readers take one for the other.
  const keepFieldIds = new Set(ids).size === ids.length;
  return schema.flatMap(({ column, optional }) => moveSchema(column, { optional, keepFieldIds }));
}
