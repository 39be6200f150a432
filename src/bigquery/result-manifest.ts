/** The manifest table: a row for each column of the pair, in their order; what is true of the whole is in its labels and description. */
import type { VerifyMode } from '../contract.ts';
import type { Staging } from '../merge/staging.ts';
import { VERSION } from '../merge/version.ts';
import type { ResultColumn, ResultPlan } from './result-plan.ts';
import { resultLabels, type ResultRequest } from './result-session.ts';
import { labelValue } from './staging-tables.ts';

interface Field {
  name: string;
  type: 'INT64' | 'STRING';
  description: string;
}

const FIELDS = [
  field('ordinal', 'INT64', 'from 1 on, in the order of the merged columns; the key is the first'),
  field('column_name', 'STRING', 'in the view'),
  field('original_name', 'STRING', 'in the checkpoints; it differs where BigQuery does not take it'),
  field('view_name', 'STRING', 'the view that has the column; null for the key, which all have'),
  field('table_name', 'STRING', 'the data table below the view; null for the key'),
  field('table_column', 'STRING', 'in the data table, where it has its bare physical values'),
  field('type', 'STRING', 'in the view'),
  field('meaning', 'STRING', 'what the values are, where their type does not say it; else null'),
  field('parquet_type', 'STRING', 'physical and logical type in the checkpoint'),
  field('source_file', 'STRING', 'the checkpoint; null for the key, which all have'),
  field('source_sha256', 'STRING', 'of what was sent of the checkpoint: its bytes, and the footer of the bare values'),
];

function field(name: string, type: Field['type'], description: string): Field {
  return { name, type, description };
}

export interface ResultManifest {
  fields: Field[];
  rows: number;
  /** Newline-delimited JSON. */
  text: string;
  description: string;
  labels: Record<string, string>;
}

/** The same result gives the same text. */
export function resultManifest(
  request: ResultRequest,
  staging: Staging,
  plan: ResultPlan,
  verified: VerifyMode,
): ResultManifest {
  const { run, pair } = request;
  const [key] = plan.parts[0]?.columns ?? [];
  const lines = [
    ...(key === undefined ? [] : [lineOf(key, null)]),
    ...plan.parts.flatMap(({ view, data, columns }) =>
      columns.slice(1).map((column) => lineOf(column, { view, data })),
    ),
  ].map((line, index) => JSON.stringify({ ordinal: index + 1, ...line }));
  const { rows, checkpoints } = staging;
  return {
    fields: FIELDS,
    rows: lines.length,
    text: lines.map((line) => `${line}\n`).join(''),
    description:
      `${pair} of ${run}: ${lines.length} columns x ${rows} rows of ${checkpoints.length} checkpoints, merged by widemerge ${VERSION}, ` +
      `in ${plan.parts.length} views. Written last: where it is, they are complete. Digest of the checkpoints and of what was made of them: ${plan.content}. ` +
      `Values read back and compared with the checkpoints: ${verified === 'none' ? 'none' : `all, by the merged file (${verified})`}.`,
    labels: {
      ...resultLabels(request, 'manifest', plan.content),
      widemerge_parts: `${plan.parts.length}`,
      widemerge_rows: `${rows}`,
      widemerge_verified: verified,
      widemerge_version: labelValue(VERSION),
    },
  };
}

const lineOf = (
  { name, original, column, type, note, described, source }: ResultColumn,
  place: { view: string; data: string } | null,
) => ({
  ...{ column_name: name, original_name: original, view_name: place?.view ?? null, table_name: place?.data ?? null },
  ...{ table_column: column, type, meaning: note, parquet_type: described },
  ...{ source_file: source?.name ?? null, source_sha256: source?.content ?? null },
});

/** Descriptions of columns end at 1,024 characters. */
const LONGEST_DESCRIPTION = 1_000;

/** What a column of a view or of a data table is, in a line. */
export const describeColumn = ({ original, name, note, described, source }: ResultColumn, inTable: boolean): string =>
  [
    ...(inTable ? [`holds ${original}`] : original === name ? [] : [`called ${original}`]),
    ...(note === null ? [] : [note]),
    `Parquet: ${described}`,
    source === null ? 'the key' : `from ${source.name}`,
  ]
    .join('; ')
    .slice(0, LONGEST_DESCRIPTION);
