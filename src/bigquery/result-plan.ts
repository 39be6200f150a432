/** What is left of a pair on BigQuery, planned: for each merged part a data table, and a view that says what its columns are. */
import { createHash } from 'node:crypto';
import type { Staging } from '../merge/staging.ts';
import type { MergedPart } from './merged-parts.ts';
import { columnNames, dataName, manifestName, viewName } from './result-names.ts';
import { viewType } from './result-types.ts';
import type { CloudRequest } from './staging-tables.ts';

export interface ResultColumn {
  /** As the checkpoint calls it, and as the view does. */
  original: string;
  name: string;
  /** In the data table: `key`, `c0`, `c1`, ... */
  column: string;
  sql: string;
  /** Of the view's column. */
  type: string;
  /** Of the Parquet column, in the words of describeType. */
  described: string;
  note: string | null;
  /** The checkpoint that it is from: name, and SHA-256 of what was sent of it; null for the key, which all have. */
  source: { name: string; content: string } | null;
}

export interface ResultPart {
  /** The merged table that the data table is a copy of. */
  merged: string;
  /** Digest of what is in the data table. */
  content: string;
  data: string;
  view: string;
  viewQuery: string;
  /** Digest of the view: of its text, and of what is said of its columns. */
  viewContent: string;
  /** Of the view: the key, then the part's. */
  columns: ResultColumn[];
}

export interface ResultPlan {
  /** See resultContent. */
  content: string;
  manifest: string;
  parts: ResultPart[];
}

/** Bump where the same inputs would leave other tables or views. */
const RESULT_VERSION = 1;

/** Digest of the whole result: the same for the same checkpoints, whatever parts it was cut into. */
export function resultContent({ key, spine, checkpoints }: Staging): string {
  return digest([
    RESULT_VERSION,
    [key.name, key.described, spine.content],
    checkpoints.map(({ name, content, key: own, columns }) => [
      ...[name, content, own.unsigned32, own.factor],
      columns.map((column) => [column.name, column.described]),
    ]),
  ]).slice(0, 40);
}

export function planResult(request: CloudRequest, staging: Staging, parts: MergedPart[]): ResultPlan {
  const { pair, config } = request;
  const names = namesOf(staging);
  const planned = parts.map(({ table, slices }, index): ResultPart => {
    let column = 0;
    const columns = slices.flatMap(({ file, first, count }) => {
      const checkpoint = staging.checkpoints[file]!;
      const source = { name: checkpoint.name, content: checkpoint.content };
      return checkpoint.columns
        .slice(first, first + count)
        .map(({ name, described }, i) =>
          columnOf(name, names.columns[file]![first + i]!, `c${column++}`, described, source),
        );
    });
    const keyed = [columnOf(staging.key.name, names.key, 'key', staging.key.described, null), ...columns];
    const data = dataName(pair, index + 1);
    const query = viewQuery(keyed, `${config.project}.${config.outputDataset}.${data}`);
    return {
      merged: table,
      content: digest(table.slice(table.indexOf('_m_'))).slice(0, 40),
      data,
      view: viewName(pair, index + 1),
      viewQuery: query,
      viewContent: digest([query, keyed]).slice(0, 40),
      columns: keyed,
    };
  });
  return { content: resultContent(staging), manifest: manifestName(pair), parts: planned };
}

function columnOf(
  original: string,
  name: string,
  column: string,
  described: string,
  source: ResultColumn['source'],
): ResultColumn {
  const { type, sql, note } = viewType(described);
  return { original, name, column, sql: sql(column), type, described, note, source };
}

function viewQuery(columns: ResultColumn[], table: string): string {
  return `SELECT\n${columns.map(selected).join(',\n')}\nFROM \`${table}\``;
}

const selected = ({ sql, name }: Pick<ResultColumn, 'sql' | 'name'>): string => `${sql} AS \`${name}\``;

/** Bytes that each column of each checkpoint takes at most in the text of a view. */
export function viewTextBytes(staging: Staging): number[][] {
  const names = namesOf(staging);
  return staging.checkpoints.map(({ columns }, file) =>
    columns.map(
      ({ described }, i) =>
        // Names are ASCII; the comma and the line's end.
        selected({ sql: viewType(described).sql('c9999'), name: names.columns[file]![i]! }).length + 2,
    ),
  );
}

/** Over the whole pair, so that a column is called the same whatever part it is in. */
function namesOf({ key, checkpoints }: Staging): { key: string; columns: string[][] } {
  const [keyName, ...names] = columnNames([
    key.name,
    ...checkpoints.flatMap(({ columns }) => columns.map(({ name }) => name)),
  ]);
  return { key: keyName!, columns: checkpoints.map(({ columns }) => names.splice(0, columns.length)) };
}

const digest = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('hex');
