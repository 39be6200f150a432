import type { Answer } from './http.ts';
import { jsonAnswer, parseJson } from './http.ts';
import type { MetadataRate } from './metadata-rate.ts';
import type { ServiceRequest } from './request.ts';
import { checkSchema } from './schema-rules.ts';
import type { Field, TableReference, Tables } from './tables.ts';
import type { Upstream } from './upstream.ts';

interface TableBody {
  tableReference?: { tableId?: string };
  schema?: { fields?: Field[] };
}

/** Datasets, tables and their rows: the emulator's answers, after the checks that it forgets. Throws a ServiceError. */
export async function answerMetadata(
  { upstream, tables, rate }: { upstream: Upstream; tables: Tables; rate: MetadataRate | null },
  request: ServiceRequest,
): Promise<Answer> {
  const changes = request.method !== 'GET';
  const table = tableOf(request);
  if (changes && table !== null) {
    const { schema } = (parseJson(request.body) ?? {}) as TableBody;
    checkSchema(schema?.fields ?? []);
    if (request.method !== 'DELETE') rate?.count(table);
  }
  try {
    const answer = await upstream.forward(request.method, request.target, request.contentType, request.body);
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
  return jsonAnswer(200, { ...resource, numRows: `${entry.rows}`, numBytes: bytes, numTotalLogicalBytes: bytes });
}

/** The table that is read, made, changed or deleted, or null where the request is about something else. */
function tableOf(request: ServiceRequest): TableReference | null {
  const [datasets, datasetId, collection, named, verb] = request.resource;
  if (datasets !== 'datasets' || datasetId === undefined || collection !== 'tables' || verb !== undefined) return null;
  const tableId = named ?? (parseJson(request.body) as TableBody | null)?.tableReference?.tableId;
  return tableId === undefined ? null : { projectId: request.project, datasetId, tableId };
}
