/**
 * What a query would read, and what that would cost. Bytes are the logical bytes of the named columns of the named
 * tables (sql-references.ts says what is taken for more than it is, tables.ts how bytes are counted): the service's own
 * figure, but for nulls, which it does not count, and for clustered and partitioned tables, which it prunes.
 */
import { ServiceError } from './errors.ts';
import type { SqlReferences } from './sql-references.ts';
import { sqlReferences } from './sql-references.ts';
import { tableName } from './tables.ts';
import { checkColumnCount } from './schema-rules.ts';
import type { TableEntry, TableReference, Tables } from './tables.ts';

export const QUERY_TEXT_LIMIT = 1024 * 1024;
const TABLES_LIMIT = 1_000;
const MEBIBYTE = 1024 * 1024;
/** A query pays at least so much for each table that it names. */
const TABLE_MINIMUM_BYTES = 10 * MEBIBYTE;
const VIEWS_DEPTH = 16;

export interface Scan {
  references: SqlReferences;
  /** What the statement writes, or null. */
  target: TableReference | null;
  tables: string[];
  bytesProcessed: number;
  bytesBilled: number;
  location: string | null;
}

export interface QueryConfiguration {
  query: string;
  defaultDataset?: { projectId?: string; datasetId: string };
  destinationTable?: TableReference;
  writeDisposition?: string;
  createDisposition?: string;
  maximumBytesBilled?: string;
  useLegacySql?: boolean;
}

/**
 * Reads a query against the books. Throws a ServiceError: `invalid` (columns, tables), `notFound` (a table or dataset that
 * is not there, or is in another location).
 */
export async function scanQuery(
  tables: Tables,
  project: string,
  query: QueryConfiguration,
  location: string | null,
): Promise<Scan> {
  const references = sqlReferences(query.query);
  const found = new Map<string, { table: TableEntry; bytes: number }>();
  // A `*` is counted by run-job.ts, once the emulator knows what it stands for.
  checkColumnCount(references.columns ?? 0);
  checkTableCount(references.reads.length);
  await collect(tables, project, query, references, found, 0);
  checkTableCount(found.size);
  const target =
    references.writes === null ? null : resolvePath(references.writes, project, query.defaultDataset ?? null);
  const datasets = [...found.values()].map(({ table }) => table.reference);
  if (target !== null) datasets.push(target);
  if (query.destinationTable !== undefined) datasets.push(query.destinationTable);
  const where = await commonLocation(tables, datasets, location);
  let bytesProcessed = 0;
  let bytesBilled = 0;
  for (const { bytes } of found.values()) {
    bytesProcessed += bytes;
    bytesBilled += Math.max(TABLE_MINIMUM_BYTES, Math.ceil(bytes / MEBIBYTE) * MEBIBYTE);
  }
  return { references, target, tables: [...found.keys()], bytesProcessed, bytesBilled, location: where };
}

function checkTableCount(count: number): void {
  if (count > TABLES_LIMIT)
    throw new ServiceError('invalid', `Too many tables or views for query: ${count}, the maximum is ${TABLES_LIMIT}`);
}

async function collect(
  tables: Tables,
  project: string,
  query: QueryConfiguration,
  references: SqlReferences,
  found: Map<string, { table: TableEntry; bytes: number }>,
  depth: number,
): Promise<void> {
  for (const path of references.reads) {
    const reference = resolvePath(path, project, query.defaultDataset ?? null);
    if (reference === null || found.has(tableName(reference))) continue;
    const table = await tables.find(reference);
    if (table === null) {
      const { projectId, datasetId, tableId } = reference;
      throw new ServiceError('notFound', `Not found: Table ${projectId}:${datasetId}.${tableId}`);
    }
    if (table.view !== null && depth < VIEWS_DEPTH)
      await collect(tables, reference.projectId, { query: table.view }, sqlReferences(table.view), found, depth + 1);
    else found.set(tableName(reference), { table, bytes: await columnBytes(tables, table, references, path) });
  }
}

async function columnBytes(
  tables: Tables,
  table: TableEntry,
  references: SqlReferences,
  path: string,
): Promise<number> {
  const all = references.allColumns || references.allColumnsOf.has(path);
  let bytes = 0;
  for (const field of table.fields)
    if (all || references.names.has(field.name.toLowerCase())) bytes += await tables.bytesOf(table, field);
  return bytes;
}

/** A path of three parts, of two, or of one with a default dataset; null for others, and for the service's own views. */
function resolvePath(
  path: string,
  project: string,
  defaultDataset: { projectId?: string; datasetId: string } | null,
): TableReference | null {
  const parts = path.split('.');
  if (parts.some((part) => part.toUpperCase() === 'INFORMATION_SCHEMA')) return null;
  const tableId = parts.pop()!;
  const datasetId = parts.pop() ?? defaultDataset?.datasetId;
  if (datasetId === undefined) return null;
  const projectId = parts.length > 0 ? parts.join('.') : (defaultDataset?.projectId ?? project);
  return { projectId, datasetId, tableId };
}

/** A job runs where its datasets are: in another location they are not found. */
export async function commonLocation(
  tables: Tables,
  references: { projectId: string; datasetId: string }[],
  wanted: string | null,
): Promise<string | null> {
  let common = wanted;
  for (const { projectId, datasetId } of references) {
    const location = await tables.location(projectId, datasetId);
    common ??= location;
    if (location === null || location.toUpperCase() !== common?.toUpperCase())
      throw new ServiceError(
        'notFound',
        `Not found: Dataset ${projectId}:${datasetId} was not found in location ${common ?? 'US'}`,
      );
  }
  return common;
}
