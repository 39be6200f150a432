import type { Answer } from './http.ts';
import { jsonAnswer, parseJson } from './http.ts';
import type { ServiceRequest } from './request.ts';
import type { Upstream } from './upstream.ts';

const ALL = 1_000_000;
/** Of the service, where the client says nothing. */
const TABLES_A_PAGE = 50;

/** True for a request that lists the tables of a dataset. */
export const listsTables = ({ method, resource }: ServiceRequest): boolean =>
  method === 'GET' && resource[0] === 'datasets' && resource[2] === 'tables' && resource.length === 3;

/** The emulator gives the first tables only, and no way to the others: the pages are the proxy's. */
export async function tablesPage(upstream: Upstream, request: ServiceRequest): Promise<Answer> {
  const answer = await upstream.forward('GET', `${request.path}?maxResults=${ALL}`);
  if (answer.status !== 200) return answer;
  const list = parseJson(answer.body) as { tables?: object[] };
  const tables = list.tables ?? [];
  const start = Number(request.query.get('pageToken') ?? 0);
  const end = start + Number(request.query.get('maxResults') ?? TABLES_A_PAGE);
  return jsonAnswer(200, {
    ...list,
    tables: tables.slice(start, end),
    totalItems: tables.length,
    ...(end < tables.length ? { nextPageToken: `${end}` } : {}),
  });
}
