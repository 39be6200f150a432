/** Which types an engine is known not to take, from footers alone. Pure. */
import type { BackendName } from '../contract.ts';
import { keepsType } from '../merge/command/kept-types.ts';
import type { Survey } from '../merge/job.ts';

/** One line; null where nothing is known against any type. BigQuery has rules of its own (bigquery/shape.ts). */
export function typeRefusal(engine: Exclude<BackendName, 'bigquery'>, survey: Survey): string | null {
  if (engine === 'local') return stitchRefusal(survey);
  const changed = survey.types.find(({ type }) =>
    engine === 'duckdb' ? isChangedByDuckdb(type) : keepsType(engine, type) === false,
  );
  if (changed === undefined) return null;
  return `${changed.file}: column ${changed.column} is of type ${changed.type}, which it may not keep`;
}

/** Types of fixed length that DuckDB has as well, and writes as they were: others become binaries or narrower decimals. */
const FIXED_KEPT = /^fixedLenByteArray (16 uuid|12 interval|16 decimal (19|2\d|3[0-8]) \d+)$/;

/** As far as it is known; the merge asks the DuckDB at hand (duckdb-types.ts). */
const isChangedByDuckdb = (type: string): boolean =>
  type === 'nested' || type.startsWith('int96') || (type.startsWith('fixedLenByteArray') && !FIXED_KEPT.test(type));

/** Where a file has not the rows of the longest it is rewritten, which these types do not stand (physical-view.ts). */
function stitchRefusal({ shapes, types }: Survey): string | null {
  const rows = shapes.reduce((most, shape) => Math.max(most, shape.rows), 0);
  for (const { file, columns } of shapes.filter((shape) => shape.rows !== rows)) {
    const fixed = columns.map(({ type }) => types[type]!.type).find((type) => isNotRewritten(type));
    if (fixed !== undefined)
      return `${file}: it has other rows than the longest file, and a column of type ${fixed}, which is not rewritten`;
  }
  return null;
}

const isNotRewritten = (type: string): boolean => /^(nested|int96|fixedLenByteArray)\b/.test(type);
