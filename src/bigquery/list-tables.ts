import type { Dataset, GetTablesOptions, Table } from '@google-cloud/bigquery';
import { unlessMissing, type Patience } from './patiently.ts';

/** All tables of a dataset; null where there is no such dataset. Throws BigQueryError and the signal's reason. */
export async function listTables(dataset: Dataset, patience: Patience, namesAPage = 1000): Promise<Table[] | null> {
  const tables: Table[] = [];
  // Page by page: told how long a page is, the client gives the first page and no other.
  let page: GetTablesOptions | null = { maxResults: namesAPage, autoPaginate: false };
  while (page !== null) {
    const asked: GetTablesOptions = page;
    const answer = await unlessMissing(`list the tables of ${dataset.id}`, patience, () => dataset.getTables(asked));
    if (answer === null) return null;
    const [found, next] = answer;
    tables.push(...found);
    page = next ?? null;
  }
  return tables;
}
