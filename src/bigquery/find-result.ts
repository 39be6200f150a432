import type { VerifyMode } from '../contract.ts';
import { MergeFailure } from '../merge/errors.ts';
import { readStaging } from '../merge/staging.ts';
import type { CloudHooks } from './cloud-session.ts';
import { dataName, manifestName, viewName } from './result-names.ts';
import { resultContent } from './result-plan.ts';
import {
  lookAround,
  openResult,
  type Known,
  type ResultRequest,
  type ResultSession,
  type ResultTables,
} from './result-session.ts';

/** Views that are named one by one. */
const NAMED_VIEWS = 4;

/**
 * What has been left of the same checkpoints before, complete; null where there is none, or one that may be replaced. Makes
 * the output dataset: what is not allowed there shows before anything is sent. Throws MergeFailure OutputExists,
 * ConfigInvalid, BigQueryError, and the signal's reason.
 */
export async function findResult(request: ResultRequest, hooks: CloudHooks): Promise<ResultTables | null> {
  const session = await openResult(request, await readStaging(request.workspace), hooks);
  return resultAmong(session, await lookAround(session));
}

/** The same, of what is known to be there. */
export function resultAmong({ request, staging, place }: ResultSession, known: Known[]): ResultTables | null {
  const { pair, replace } = request;
  const tables = new Map(known.map((table) => [table.name, table]));
  const manifest = tables.get(manifestName(pair));
  if (manifest === undefined) return null;
  const { labels = {}, numRows } = manifest.metadata;
  if (labels.widemerge_content !== resultContent(staging)) {
    if (replace) return null;
    throw new MergeFailure(
      'OutputExists',
      `${place.project}.${place.dataset}.${manifest.name}: is there already and is not of these checkpoints; choose another bigquery.outputDataset, or ask for replacement (replace: true)`,
    );
  }
  const columns = columnsOf(staging.checkpoints);
  const parts = Number(labels.widemerge_parts ?? 0);
  const numbers = Array.from({ length: parts }, (_, index) => index + 1);
  const data = numbers.map((part) => tables.get(dataName(pair, part)));
  const isWhole =
    Number(numRows ?? 0) === columns &&
    numbers.every((part) => tables.has(viewName(pair, part))) &&
    data.every((table) => Number(table?.metadata.numRows ?? -1) === staging.rows);
  if (!isWhole) return null;
  return {
    tables: tablesText(
      place,
      numbers.map((part) => viewName(pair, part)),
    ),
    ...{ parts, columns, rows: staging.rows, files: staging.checkpoints.length },
    bytes: data.reduce((sum, table) => sum + Number(table?.metadata.numBytes ?? 0), 0),
    verified: (labels.widemerge_verified ?? 'none') as VerifyMode,
  };
}

/** The key included. */
const columnsOf = (checkpoints: { columns: unknown[] }[]): number =>
  checkpoints.reduce((sum, { columns }) => sum + columns.length, 1);

function tablesText({ project, dataset }: ResultSession['place'], views: string[]): string {
  const names = views.length <= NAMED_VIEWS ? views.join(', ') : `${views[0]!} to ${views.at(-1)!}`;
  return `${project}.${dataset}: ${names}`;
}
