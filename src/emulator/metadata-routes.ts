import type { Answer } from './http.ts';
import { jsonAnswer, parseJson } from './http.ts';
import type { MetadataRate } from './metadata-rate.ts';
import type { ServiceRequest } from './request.ts';
import { removeTable } from './destination.ts';
import { ServiceError } from './errors.ts';
import { checkText } from './run-job.ts';
import { checkChange, checkColumnCount, checkProperties, checkSchema, type TableProperties } from './schema-rules.ts';
import { sqlReferences } from './sql-references.ts';
import { listsTables, tablesPage } from './table-pages.ts';
import { tableName } from './tables.ts';
import type { Field, TableReference, Tables } from './tables.ts';
import type { Upstream } from './upstream.ts';

interface TableBody extends TableProperties {
  expirationTime?: string | null;
  tableReference?: { tableId?: string };
  schema?: { fields?: Field[] };
  view?: { query?: string; useLegacySql?: boolean };
}

/** Datasets, tables and their rows: the emulator's answers, after the checks that it forgets. Throws a ServiceError. */
export async function answerMetadata(
  { upstream, tables, rate }: { upstream: Upstream; tables: Tables; rate: MetadataRate | null },
  request: ServiceRequest,
): Promise<Answer> {
  if (listsTables(request)) return tablesPage(upstream, request);
  const changes = request.method !== 'GET';
  const table = tableOf(request);
  if (changes && table !== null) {
    await checkTable(tables, table, request);
    if (request.method !== 'DELETE') rate?.count(table);
  }
  try {
    const answer = await upstream.forward(request.method, request.target, request.contentType, request.body);
    if (changes && table !== null && answer.status < 300) {
      keepExpiration(tables, table, request);
      await keepView({ upstream, tables }, table, request);
    }
    return changes || table === null || request.resource[3] === undefined
      ? answer
      : await withSize(tables, table, answer);
  } finally {
    if (changes && table !== null) tables.forget(table);
    else if (changes) tables.forgetAll();
  }
}

async function checkTable(tables: Tables, reference: TableReference, request: ServiceRequest): Promise<void> {
  const body = (parseJson(request.body) ?? {}) as TableBody;
  const fields = body.schema?.fields;
  checkSchema(fields ?? []);
  checkProperties(body);
  if (request.method === 'POST' && body.view !== undefined) {
    if (fields !== undefined) throw new ServiceError('invalid', "Schema field shouldn't be used as input with a view");
    checkView(body.view);
  }
  if (request.method !== 'PATCH' || fields === undefined) return;
  const table = await tables.find(reference);
  if (table !== null) checkChange(tableName(reference), table.fields, fields, table.view !== null);
}

/** Throws `invalid` for a text that is too long or not GoogleSQL, or too many columns. */
function checkView({ query = '', useLegacySql }: { query?: string; useLegacySql?: boolean }): void {
  if (useLegacySql !== false)
    throw new ServiceError('invalid', 'the proxy takes views in GoogleSQL only: useLegacySql: false');
  checkText({ query });
  checkColumnCount(sqlReferences(query).columns ?? 0);
}

/** What the view's columns are is known once it is there: names that the service does not take undo it. */
async function keepView(
  { upstream, tables }: { upstream: Upstream; tables: Tables },
  reference: TableReference,
  request: ServiceRequest,
): Promise<void> {
  const { view } = (parseJson(request.body) ?? {}) as TableBody;
  if (request.method === 'DELETE') tables.setView(reference, null);
  if (view?.query === undefined) return;
  tables.setView(reference, view.query);
  try {
    checkSchema((await tables.find(reference))?.fields ?? []);
  } catch (error) {
    await removeTable(upstream, reference);
    tables.setView(reference, null);
    throw error;
  }
}

/** The emulator says 0 bytes, and does not count the rows that DML changes: the books know both. */
async function withSize(tables: Tables, reference: TableReference, answer: Answer): Promise<Answer> {
  const entry = answer.status === 200 ? await tables.find(reference) : null;
  if (entry === null) return answer;
  if (entry.view !== null) {
    const view = { query: entry.view, useLegacySql: false };
    return jsonAnswer(200, { schema: { fields: entry.fields }, ...(parseJson(answer.body) as object), view });
  }
  const bytes = `${await tables.totalBytes(entry)}`;
  const resource = parseJson(answer.body) as object;
  const { creationTime } = resource as { creationTime?: string };
  const expiresMs = await tables.expiration(reference, Number(creationTime ?? Date.now()));
  return jsonAnswer(200, {
    ...resource,
    ...{ numRows: `${entry.rows}`, numBytes: bytes, numTotalLogicalBytes: bytes },
    ...(expiresMs === null ? {} : { expirationTime: `${expiresMs}` }),
  });
}

/** The emulator passes over the time at which a table expires: it is told, and nothing comes of it. */
function keepExpiration(tables: Tables, table: TableReference, request: ServiceRequest): void {
  const { expirationTime } = (parseJson(request.body) ?? {}) as TableBody;
  if (request.method === 'DELETE') tables.setExpiration(table, undefined);
  else if (expirationTime !== undefined)
    tables.setExpiration(table, expirationTime === null ? null : Number(expirationTime));
}

/** The table that is read, made, changed or deleted, or null where the request is about something else. */
function tableOf(request: ServiceRequest): TableReference | null {
  const [datasets, datasetId, collection, named, verb] = request.resource;
  if (datasets !== 'datasets' || datasetId === undefined || collection !== 'tables' || verb !== undefined) return null;
  const tableId = named ?? (parseJson(request.body) as TableBody | null)?.tableReference?.tableId;
  return tableId === undefined ? null : { projectId: request.project, datasetId, tableId };
}
