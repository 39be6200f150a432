import type { MergeFigures } from '../payloads.ts';
import { chooseLayout } from './choose-layout.ts';
import { readCheckpoints, type CheckpointFile } from './discover.ts';
import type { FileShape, MergeJob, Survey, SurveyedLayout, TypeCount } from './job.ts';
import { COLUMN_CHUNK, COLUMN_META, PHYSICAL, SIZE_STATISTICS } from './parquet/field-ids.ts';
import type { Chunk } from './parquet/footer.ts';
import { describeType } from './parquet/logical.ts';
import { probeClones } from './system/clones.ts';
import type { Column } from './parquet/schema.ts';
import { codecOf } from './parquet/physical-view.ts';
import { integerOf, findField, readStruct } from './parquet/thrift.ts';
import type { Checkpoint } from './plan.ts';

/** Reads the footers, and nothing else, and counts what is in them. Throws CheckpointInvalid as discovery does. */
export async function surveyFiles(files: CheckpointFile[], job: MergeJob): Promise<Survey> {
  const checkpoints = await readCheckpoints(files, job);
  const types: Survey['types'] = [];
  const indexOf = new Map<string, number>();
  const codecs = new Map<number, Survey['codecs'][number]>();
  const shapes: FileShape[] = [];
  for (const checkpoint of checkpoints) {
    const typeOf = (column: Column): number => {
      const type = describeType(column);
      const known = indexOf.get(type);
      if (known !== undefined) return known;
      indexOf.set(type, types.length);
      return types.push({ type, file: checkpoint.name, column: column.name }) - 1;
    };
    addShape(shapes, describeFile(checkpoint, typeOf));
    addCodecs(codecs, checkpoint);
  }
  return {
    files: files.length,
    columns: checkpoints[0]!.keys.length + checkpoints.reduce((sum, { columns }) => sum + columns.length, 0),
    bytesIn: files.reduce((sum, { fingerprint }) => sum + fingerprint.size, 0),
    types,
    codecs: [...codecs.values()],
    shapes,
    sharing: await probeClones(files[0]!.path, job.output.path),
    layout: surveyLayout(checkpoints, job.rowGroupRows ?? null),
    alreadyMerged: null,
  };
}

/** Of what has been merged before nothing but its figures is of interest. */
export const surveyOf = (published: MergeFigures): Survey => ({
  files: published.files,
  columns: published.columns,
  bytesIn: published.bytesIn,
  types: [],
  codecs: [],
  shapes: [],
  sharing: null,
  alreadyMerged: { ...published, alreadyMerged: true },
});

function surveyLayout(checkpoints: Checkpoint[], asked: number | null): SurveyedLayout {
  const files = checkpoints.map(({ footer, fingerprint }) => ({
    // Of the keys nothing is known but their number.
    sequence: String(footer.rows),
    rowGroupRows: footer.rowGroups.map(({ rows }) => rows),
    bytes: fingerprint.size,
  }));
  const rowsMost = String(files.reduce((most, { sequence }) => Math.max(most, Number(sequence)), 0));
  const { rowGroupRows } = chooseLayout(files, (sequence) => sequence === rowsMost, asked)!;
  const layout = {
    rowGroups: { count: rowGroupRows.length, rowsMost: rowGroupRows.reduce((most, rows) => Math.max(most, rows), 0) },
    ...{ files: 0, bytes: 0, otherFiles: 0, otherBytes: 0 },
  };
  for (const file of files)
    if (file.rowGroupRows.join() === rowGroupRows.join()) {
      layout.files++;
      layout.bytes += file.bytes;
    } else {
      layout.otherFiles++;
      layout.otherBytes += file.bytes;
    }
  return layout;
}

function describeFile(checkpoint: Checkpoint, typeOf: (column: Column) => number): FileShape {
  const counts = new Map<number, TypeCount>();
  for (const column of checkpoint.columns) {
    const type = typeOf(column);
    const count = counts.get(type) ?? { type, columns: 0, payloadBytes: 0 };
    count.columns++;
    count.payloadBytes += payloadBytes(checkpoint, column);
    counts.set(type, count);
  }
  const { keys, footer } = checkpoint;
  return {
    file: checkpoint.name,
    files: 1,
    rows: footer.rows,
    keys: keys.map((key) => ({ type: typeOf(key), columns: 1, payloadBytes: payloadBytes(checkpoint, key) })),
    columns: [...counts.values()],
  };
}

function addCodecs(codecs: Map<number, Survey['codecs'][number]>, { name, keys, columns, footer }: Checkpoint): void {
  for (const column of [...keys, ...columns])
    for (const { chunks } of footer.rowGroups)
      for (const chunk of chunks.slice(column.firstLeaf, column.firstLeaf + column.leaves)) {
        const codec = codecOf(chunk);
        if (!codecs.has(codec)) codecs.set(codec, { codec, file: name, column: column.name });
      }
}

/** Adds a file to the last entry where it is like it. */
function addShape(shapes: FileShape[], own: FileShape): void {
  const last = shapes.at(-1);
  if (last === undefined || likeness(last) !== likeness(own)) {
    shapes.push(own);
    return;
  }
  last.files++;
  for (const [i, key] of own.keys.entries()) last.keys[i]!.payloadBytes += key.payloadBytes;
  for (const [i, count] of own.columns.entries()) last.columns[i]!.payloadBytes += count.payloadBytes;
}

const likeness = ({ rows, keys, columns }: FileShape): string =>
  `${rows} ${keys.map(({ type }) => type).join(' ')} | ${columns.map((count) => `${count.type}x${count.columns}`).join(' ')}`;

/** Of byte arrays: bytes of the values of a flat column in all row groups, estimated where the file does not say; else 0. */
export function payloadBytes({ footer }: Checkpoint, column: Column): number {
  if (column.physicalType !== PHYSICAL.byteArray) return 0;
  return footer.rowGroups.reduce((sum, { chunks }) => sum + byteArrayBytes(chunks[column.firstLeaf]!), 0);
}

/** As its writer says; else the size of its pages, which is too little where a dictionary holds equal values once. */
function byteArrayBytes(chunk: Chunk): number {
  const meta = readStruct(findField(readStruct(chunk.raw), COLUMN_CHUNK.metaData)!.raw);
  const sizes = findField(meta, COLUMN_META.sizeStatistics);
  const said = sizes === undefined ? null : integerOf(readStruct(sizes.raw), SIZE_STATISTICS.unencodedByteArrayBytes);
  return said ?? chunk.uncompressedLength;
}
