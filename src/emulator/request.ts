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
  contentRange: string | null;
  body: Buffer;
  kind: RequestKind;
  /** Empty where the request is about a bucket. */
  project: string;
  /** What follows the project: `jobs`, `jobs/ID`, `queries/ID`, `datasets/D/tables/T` ...; or `/b`: `BUCKET/o/NAME`. */
  resource: string[];
  /** The job, or the object, comes with its data. */
  isUpload: boolean;
}

const PATH = /^(\/upload|\/resumable\/upload)?\/bigquery\/v2\/projects\/([^/]+)\/(.*)$/;

const OBJECT_PATH = /^(\/upload|\/download)?\/storage\/v1\/b(?:\/(.*))?$/;

export function requestOf(incoming: IncomingMessage, body: Buffer): ServiceRequest {
  const target = incoming.url ?? '/';
  const url = new URL(target, 'http://127.0.0.1');
  const match = PATH.exec(url.pathname);
  const objects = OBJECT_PATH.exec(url.pathname);
  const resource = (match?.[3] ?? objects?.[2] ?? '').split('/').filter(Boolean).map(decodeURIComponent);
  const method = incoming.method ?? 'GET';
  return {
    method,
    path: url.pathname,
    query: url.searchParams,
    target,
    contentType: incoming.headers['content-type'] ?? '',
    authorization: incoming.headers.authorization ?? null,
    contentRange: incoming.headers['content-range'] ?? null,
    body,
    kind: objects === null ? kindOf(method, resource) : 'object',
    project: decodeURIComponent(match?.[2] ?? ''),
    resource,
    isUpload: match?.[1] !== undefined || objects?.[1] === '/upload',
  };
}

function kindOf(method: string, [collection, id, verb]: string[]): RequestKind {
  if (collection === 'queries') return id === undefined ? 'insert' : 'results';
  if (collection !== 'jobs') return 'metadata';
  if (id === undefined) return method === 'GET' ? 'metadata' : 'insert';
  return verb === 'cancel' ? 'cancel' : 'poll';
}
