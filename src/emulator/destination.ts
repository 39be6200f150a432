import type { TableProperties } from './schema-rules.ts';
import type { Field, TableReference } from './tables.ts';
import type { Upstream } from './upstream.ts';

/** The table that a load makes, as its configuration describes it. */
export async function createDestination(
  upstream: Upstream,
  tableReference: TableReference,
  {
    schema,
    destinationTableProperties,
  }: { schema?: { fields?: Field[] }; destinationTableProperties?: TableProperties },
): Promise<void> {
  const { projectId, datasetId } = tableReference;
  await upstream.call('POST', `/projects/${projectId}/datasets/${datasetId}/tables`, {
    tableReference,
    schema,
    ...destinationTableProperties,
  });
}

export async function removeTable(
  upstream: Upstream,
  { projectId, datasetId, tableId }: TableReference,
): Promise<void> {
  await upstream.call('DELETE', `/projects/${projectId}/datasets/${datasetId}/tables/${tableId}`);
}
