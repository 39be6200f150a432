import type { IncomingMessage } from 'node:http';
import type { RequestKind } from './faults.ts';

/** A request to the service, taken apart. */
export interface ServiceRequest {
  method: string;
  /** Without the query. */
  path: string;
  query: URLSearchParams;
  /** Path and query as they came. */
  target: string;
  contentType: string;
  authorization: string | null;
  body: Buffer;
  kind: RequestKind;
  project: string;
  /** What follows the project: `jobs`, `jobs/ID`, `queries/ID`, `datasets/D/tables/T` ... */
  resource: string[];
  /** The job comes with its data. */
  isUpload: boolean;
}

const PATH = /^(\/upload|\/resumable\/upload)?\/bigquery\/v2\/projects\/([^/]+)\/(.*)$/;

export function requestOf(incoming: IncomingMessage, body: Buffer): ServiceRequest {
  const target = incoming.url ?? '/';
  const url = new URL(target, 'http://127.0.0.1');
  const match = PATH.exec(url.pathname);
  const resource = (match?.[3] ?? '').split('/').filter(Boolean).map(decodeURIComponent);
  const method = incoming.method ?? 'GET';
  return {
    method,
    path: url.pathname,
    query: url.searchParams,
    target,
    contentType: incoming.headers['content-type'] ?? '',
    authorization: incoming.headers.authorization ?? null,
    body,
    kind: kindOf(method, resource),
    project: decodeURIComponent(match?.[2] ?? ''),
    resource,
    isUpload: match?.[1] !== undefined,
  };
}

function kindOf(method: string, [collection, id, verb]: string[]): RequestKind {
  if (collection === 'queries') return id === undefined ? 'insert' : 'results';
  if (collection !== 'jobs') return 'metadata';
  if (id === undefined) return method === 'GET' ? 'metadata' : 'insert';
  return verb === 'cancel' ? 'cancel' : 'poll';
}
