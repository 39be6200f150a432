import type { FileShape, Survey, TypeCount } from '../merge/job.ts';
import { codecObstacle, MOST_STAGED_COLUMNS } from '../merge/staged-limits.ts';
import { stagingType } from './types.ts';

/** A pair as BigQuery would bill and hold it; bytes are those of values without nulls, so they are never too few. */
export interface PairShape {
  /** Of the output, as far as row counts tell: a union of checkpoints whose keys differ has more. */
  rows: number;
  files: StagedFile[];
}

export interface StagedFile {
  rows: number;
  /** Bytes of a key, on average. */
  keyBytes: number;
  /** Bytes of a value of each column but the key, on average. */
  columnBytes: number[];
}

/** What BigQuery would not take, or not give back as it is, as one line; null where there is nothing of it. */
export function refusalOf(survey: Survey): string | null {
  return keyRefusal(survey) ?? typeRefusal(survey) ?? codecRefusal(survey) ?? widthRefusal(survey);
}

function keyRefusal({ shapes }: Survey): string | null {
  const keys = shapes[0]?.keys.length ?? 1;
  return keys === 1 ? null : `its key has ${keys} columns, and BigQuery is given keys of one; use the backend local`;
}

function codecRefusal({ codecs }: Survey): string | null {
  for (const { codec, file, column } of codecs) {
    const obstacle = codecObstacle(codec);
    if (obstacle !== null)
      return `${file}: column ${column} is ${obstacle}, which BigQuery does not load; use the backend local`;
  }
  return null;
}

function widthRefusal({ shapes }: Survey): string | null {
  for (const { file, columns } of shapes) {
    const width = columns.reduce((sum, count) => sum + count.columns, 0);
    if (width > MOST_STAGED_COLUMNS)
      return `${file}: it has ${width} columns beside its key, and a table of BigQuery takes ${MOST_STAGED_COLUMNS}; use the backend local`;
  }
  return null;
}

function typeRefusal({ types }: Survey): string | null {
  const refused = types.filter(({ type }) => stagingType(type) === null);
  const first = refused[0];
  if (first === undefined) return null;
  const more = refused.length === 1 ? '' : ` (and columns of ${refused.length - 1} more types)`;
  return `${first.file}: column ${first.column} is of type ${first.type}${more}, which BigQuery cannot give back unchanged; use the backend local, which keeps it`;
}

/** What the survey's files are in staging; ask refusalOf first. Columns of a file stand type by type. */
export function pairShape(survey: Survey): PairShape {
  const files = survey.shapes.flatMap((shape) => stagedFiles(shape, survey));
  return { rows: files.reduce((most, { rows }) => Math.max(most, rows), 0), files };
}

function stagedFiles(shape: FileShape, { types }: Survey): StagedFile[] {
  const bytesOf = (count: TypeCount): number =>
    (stagingType(types[count.type]!.type)?.bytes ?? 0) +
    count.payloadBytes / (shape.files * shape.rows * count.columns);
  const file = {
    rows: shape.rows,
    keyBytes: shape.keys.reduce((sum, key) => sum + bytesOf(key), 0),
    columnBytes: shape.columns.flatMap((count) => Array.from({ length: count.columns }, () => bytesOf(count))),
  };
  return Array.from({ length: shape.files }, () => file);
}
