/** A part of the result: the copy of a merged table, and the view over it. Each is made once, and made again where it is gone. */
import type { TableMetadata } from '@google-cloud/bigquery';
import { firstEpochOf, identityOf } from './cloud-session.ts';
import { BigQueryError } from './error-reasons.ts';
import { patiently } from './patiently.ts';
import { describeColumn } from './result-manifest.ts';
import type { ResultColumn, ResultPart } from './result-plan.ts';
import { lookAt, resultLabels, type Metadata, type ResultSession } from './result-session.ts';
import { runJob } from './run-job.ts';
import { jobLabels } from './staging-tables.ts';

/** Copies that have ended well, and whose table is gone when it is looked for. */
const COPIES_OF_A_PART = 3;

/** True where the table or view is what is wanted, whole and described. */
export const isMade = ({ labels }: Metadata, content: string): boolean => labels?.widemerge_content === content;

/** Where nothing is in its place; copies are free. Throws BigQueryError notFound where the merged table has expired. */
export async function copyPart(session: ResultSession, part: ResultPart): Promise<void> {
  const { request, staging, place, client, jobHooks } = session;
  const { project, location, dataset } = request.config;
  const step = `copy ${part.data}`;
  const identity = identityOf(request, step, `${part.content} ${place.dataset}`);
  const free = (): Promise<void> => Promise.resolve();
  let firstEpoch = firstEpochOf(request);
  for (let copies = 0; ; copies++) {
    const metadata = await lookAt(session, part.data);
    if (metadata !== null && Number(metadata.numRows ?? 0) === staging.rows) return describe(session, part, metadata);
    if (copies === COPIES_OF_A_PART)
      throw new BigQueryError(
        `table ${part.data}`,
        'invalid',
        `it was copied, and does not hold its ${staging.rows} rows`,
      );
    const copy = {
      sourceTable: { projectId: project, datasetId: dataset, tableId: part.merged },
      destinationTable: { projectId: project, datasetId: place.dataset, tableId: part.data },
      createDisposition: 'CREATE_IF_NEEDED',
      writeDisposition: 'WRITE_EMPTY',
    };
    const configuration = { copy, labels: jobLabels(request, 'copy') };
    try {
      const job = await runJob(
        client,
        { identity, firstEpoch, insert: (jobId) => client.createJob({ configuration, jobId, location }) },
        { ...jobHooks, reserve: free, settle: free },
      );
      firstEpoch = job.epoch + 1;
    } catch (error) {
      // Somebody else has made it meanwhile: it is looked at again.
      if (!(error instanceof BigQueryError && error.reason === 'duplicate')) throw error;
    }
  }
}

/** The label of its content comes last, with all the rest: a table that has it needs nothing any more. */
async function describe(
  { request, results, patience }: ResultSession,
  part: ResultPart,
  found: Metadata,
): Promise<void> {
  if (isMade(found, part.content)) return;
  const columns = new Map(part.columns.map((column) => [column.column, describeColumn(column, true)]));
  columns.set('position', 'place of the row in the order of the merged file, from 0 on');
  const metadata: TableMetadata = {
    labels: resultLabels(request, 'data', part.content),
    description: `The bare values of the view ${part.view}, of ${request.pair}; its columns say what they hold.`,
    schema: describedSchema(found, columns),
  };
  await patiently(`describe table ${part.data}`, patience, () => results.table(part.data).setMetadata(metadata));
}

/** Where nothing is in its place. */
export async function makeView(session: ResultSession, part: ResultPart): Promise<void> {
  const { request, results, patience } = session;
  const before = await lookAt(session, part.view);
  if (before !== null && isMade(before, part.viewContent)) return;
  const labels = jobLabels(request, 'view');
  const description = `Columns of the merged pair ${request.pair}, a row for each ${part.columns[0]!.original}.`;
  if (before === null) {
    const view = { query: part.viewQuery, useLegacySql: false };
    try {
      await patiently(`create view ${part.view}`, patience, () =>
        results.createTable(part.view, { view, labels, description }),
      );
    } catch (error) {
      if (!(error instanceof BigQueryError && error.reason === 'duplicate')) throw error;
    }
  }
  // A view takes no schema while it is made, and descriptions in that which it has got.
  const made = (await lookAt(session, part.view)) ?? {};
  const columns = new Map(part.columns.map((column) => [column.name, describeColumn(column, false)]));
  const metadata: TableMetadata = {
    labels: resultLabels(request, 'view', part.viewContent),
    schema: describedSchema(made, columns),
  };
  await patiently(`describe view ${part.view}`, patience, () => results.table(part.view).setMetadata(metadata));
}

function describedSchema({ schema }: Metadata, columns: Map<string, string>): { fields: object[] } {
  const { fields = [] } = (schema ?? {}) as { fields?: { name: ResultColumn['name'] }[] };
  return { fields: fields.map((field) => ({ ...field, description: columns.get(field.name) ?? '' })) };
}
