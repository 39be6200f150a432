/** What the steps share that leave a pair's result on BigQuery, and what is there under the result's names already. */
import type { Dataset, TableMetadata } from '@google-cloud/bigquery';
import type { VerifyMode } from '../contract.ts';
import { MergeFailure } from '../merge/errors.ts';
import type { Staging } from '../merge/staging.ts';
import { openSession, type CloudHooks, type CloudSession } from './cloud-session.ts';
import { ensureDataset } from './ensure-dataset.ts';
import { listTables } from './list-tables.ts';
import { unlessMissing } from './patiently.ts';
import { isPartName, manifestName } from './result-names.ts';
import { sideBySide } from './side-by-side.ts';
import { jobLabels, type CloudRequest } from './staging-tables.ts';

export interface ResultRequest extends CloudRequest {
  /** A result of other checkpoints may be replaced. */
  replace: boolean;
}

export interface ResultSession extends CloudSession {
  request: ResultRequest;
  staging: Staging;
  /** Where the result is left. */
  place: { project: string; dataset: string };
  results: Dataset;
}

export interface Metadata extends TableMetadata {
  labels?: Record<string, string>;
  type?: string;
}

/** A table or view of the output dataset that has one of the pair's names. */
export interface Known {
  name: string;
  metadata: Metadata;
}

const REQUESTS_AT_A_TIME = 8;

/** Makes the output dataset where it is missing. Throws MergeFailure ConfigInvalid where its tables would expire, BigQueryError. */
export async function openResult(request: ResultRequest, staging: Staging, hooks: CloudHooks): Promise<ResultSession> {
  const { project, location, outputDataset } = request.config;
  if (outputDataset === undefined)
    throw new MergeFailure(
      'ConfigInvalid',
      'bigquery.outputDataset is not set: name the dataset of the tables that stay',
    );
  const session = openSession(request, hooks);
  const results = session.client.dataset(outputDataset, { location });
  const { defaultTableExpirationMs } = await ensureDataset(session, { dataset: results, keptMs: null });
  if (defaultTableExpirationMs !== undefined)
    throw new MergeFailure(
      'ConfigInvalid',
      `dataset ${outputDataset}: its tables expire, those of a result must not; choose another bigquery.outputDataset, or: bq update --default_table_expiration 0 ${project}:${outputDataset}`,
    );
  return { ...session, request, staging, results, place: { project, dataset: outputDataset } };
}

/** `content` is a digest of what the table or view is: who finds it needs not look inside. */
export const resultLabels = (request: CloudRequest, step: string, content: string): Record<string, string> => ({
  ...jobLabels(request, step),
  widemerge_content: content,
});

/** Throws MergeFailure OutputExists for what somebody else has put there: it is never touched. */
export async function lookAround(session: ResultSession): Promise<Known[]> {
  const { results, place, patience, request } = session;
  const { pair } = request;
  const names = ((await listTables(results, patience)) ?? [])
    .map(({ id }) => id ?? '')
    .filter((name) => name === manifestName(pair) || isPartName(pair, name));
  const found = await sideBySide(names, REQUESTS_AT_A_TIME, async (name) => {
    const metadata = await lookAt(session, name);
    return metadata === null ? null : { name, metadata };
  });
  const known = found.filter((table) => table !== null);
  const foreign = known.find((table) => !isOurs(request, table));
  if (foreign === undefined) return known;
  throw new MergeFailure(
    'OutputExists',
    `${place.project}.${place.dataset}.${foreign.name}: is there already and is not of this pair; move it, or choose another bigquery.outputDataset`,
  );
}

/** Null where there is no such table. */
export async function lookAt({ results, patience }: ResultSession, name: string): Promise<Metadata | null> {
  const found = await unlessMissing(`look for table ${name}`, patience, () => results.table(name).getMetadata());
  return found === null ? null : (found[0] as Metadata);
}

/** By its label; a copy that has none yet (a crash came between) by its columns, which are called by their places. */
function isOurs(request: CloudRequest, { name, metadata }: Known): boolean {
  const { labels, type, schema } = metadata;
  const owner = labels?.widemerge_pair;
  if (owner !== undefined) return owner === jobLabels(request, '').widemerge_pair;
  if (!name.endsWith('_data') || (type ?? 'TABLE') !== 'TABLE') return false;
  const { fields = [] } = (schema ?? {}) as { fields?: { name?: string }[] };
  const [position, key, ...columns] = fields.map((field) => field.name);
  return position === 'position' && key === 'key' && columns.every((column, index) => column === `c${index}`);
}

/** What is left of a pair, and said of it. */
export interface ResultTables {
  /** `project.dataset: PAIR_1, PAIR_2`, the views. */
  tables: string;
  parts: number;
  /** Of the data tables, logical bytes. */
  bytes: number;
  rows: number;
  /** The key included. */
  columns: number;
  files: number;
  /** How the file was verified that was made of the same tables; `none` where there was none. */
  verified: VerifyMode;
}
