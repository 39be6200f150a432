import type { Answer } from './http.ts';
import { jsonAnswer, parseJson } from './http.ts';
import type { MetadataRate } from './metadata-rate.ts';
import type { ServiceRequest } from './request.ts';
import { checkSchema } from './schema-rules.ts';
import { listsTables, tablesPage } from './table-pages.ts';
import type { Field, TableReference, Tables } from './tables.ts';
import type { Upstream } from './upstream.ts';

interface TableBody {
  expirationTime?: string | null;
  tableReference?: { tableId?: string };
  schema?: { fields?: Field[] };
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
    const { schema } = (parseJson(request.body) ?? {}) as TableBody;
    checkSchema(schema?.fields ?? []);
    if (request.method !== 'DELETE') rate?.count(table);
  }
  try {
    const answer = await upstream.forward(request.method, request.target, request.contentType, request.body);
    if (changes && table !== null && answer.status < 300) keepExpiration(tables, table, request);
    return changes || table === null || request.resource[3] === undefined
      ? answer
      : await withSize(tables, table, answer);
  } finally {
    if (changes && table !== null) tables.forget(table);
    else if (changes) tables.forgetAll();
  }
}

/** The emulator says 0 bytes, and does not count the rows that DML changes: the books know both. */
async function withSize(tables: Tables, reference: TableReference, answer: Answer): Promise<Answer> {
  const entry = answer.status === 200 ? await tables.find(reference) : null;
  if (entry === null || entry.view !== null) return answer;
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
