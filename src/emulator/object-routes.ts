/** The JSON API of Cloud Storage in front of the proxy's own object store, as far as this project and the official client ask for it. */
import { createHash } from 'node:crypto';
import { ServiceError } from './errors.ts';
import type { Fault } from './faults.ts';
import { bodyParts, jsonAnswer, parseJson } from './http.ts';
import type { Answer } from './http.ts';
import { objectResource } from './object-store.ts';
import type { ObjectEntry, ObjectStore, UploadSession } from './object-store.ts';
import type { ServiceRequest } from './request.ts';

const PAGE_LENGTH = 1000;
const NOTHING: Answer = { status: 204, contentType: 'application/json', body: Buffer.alloc(0) };

/** `cut` where a planned fault cuts an upload in the middle. Throws a ServiceError. */
export function answerObjects(
  store: ObjectStore,
  request: ServiceRequest,
  host: string,
  fault: Fault | null,
): Answer | 'cut' {
  const { method, query } = request;
  const [bucket, collection, name] = request.resource;
  if (request.isUpload && bucket !== undefined) {
    const session = query.get('upload_id');
    return session === null ? begin(store, bucket, request, host) : resume(store, session, request, fault);
  }
  const route = `${method} b${bucket === undefined ? '' : '/B'}${collection === undefined ? '' : `/${collection}`}${name === undefined ? '' : '/N'}`;
  switch (route) {
    case 'POST b':
      return makeBucket(store, request);
    case 'GET b/B': {
      const { location, resource } = store.bucket(bucket!);
      return jsonAnswer(200, { kind: 'storage#bucket', ...resource, name: bucket, location });
    }
    case 'GET b/B/o':
      return list(store, bucket!, query);
    case 'GET b/B/o/N': {
      const object = store.object(bucket!, name!);
      return query.get('alt') === 'media' ? media(object) : jsonAnswer(200, objectResource(bucket!, object));
    }
    case 'DELETE b/B/o/N':
      store.object(bucket!, name!);
      store.require(bucket!, name!, conditionOf(query));
      store.remove(bucket!, name!);
      return NOTHING;
    default:
      throw new ServiceError('notImplemented', `the proxy does not know ${method} ${request.path}`);
  }
}

function makeBucket(store: ObjectStore, { body }: ServiceRequest): Answer {
  const resource = (parseJson(body) ?? {}) as { name?: string; location?: string };
  if (resource.name === undefined) throw new ServiceError('invalid', 'a bucket has a name');
  const { location } = store.makeBucket(resource.name, resource);
  return jsonAnswer(200, { kind: 'storage#bucket', ...resource, location });
}

function list(store: ObjectStore, bucket: string, query: URLSearchParams): Answer {
  const prefix = query.get('prefix') ?? '';
  const after = query.get('pageToken') ?? '';
  const length = Math.min(Number(query.get('maxResults') ?? PAGE_LENGTH), PAGE_LENGTH);
  const names = [...store.bucket(bucket).objects.keys()].filter((name) => name.startsWith(prefix) && name > after);
  const page = names.toSorted().slice(0, length);
  return jsonAnswer(200, {
    kind: 'storage#objects',
    items: page.map((name) => objectResource(bucket, store.object(bucket, name))),
    ...(names.length > page.length ? { nextPageToken: page.at(-1) } : {}),
  });
}

/** One request with all of it, or a session; the name stands in the query or in the metadata. */
function begin(store: ObjectStore, bucket: string, request: ServiceRequest, host: string): Answer {
  const { query, body, contentType } = request;
  const type = query.get('uploadType');
  const ifGeneration = conditionOf(query);
  const parts = type === 'multipart' ? bodyParts(contentType, body) : [body];
  const metadata = (type === 'media' ? {} : (parseJson(parts?.[0] ?? body) ?? {})) as {
    name?: string;
    contentType?: string;
  };
  const name = query.get('name') ?? metadata.name;
  if (name === undefined || name === '') throw new ServiceError('invalid', 'an object has a name');
  const made = { bucket, name, contentType: metadata.contentType ?? 'application/octet-stream', ifGeneration };
  if (type === 'resumable') {
    const id = store.openSession(made);
    const location = `http://${host}/upload/storage/v1/b/${bucket}/o?uploadType=resumable&upload_id=${id}`;
    return { ...jsonAnswer(200, {}), headers: { location } };
  }
  const data = type === 'media' ? body : parts?.[1];
  if (data === undefined) throw new ServiceError('invalid', `an upload of the type ${type} has no such form`);
  store.received.bytes += data.length;
  return jsonAnswer(200, objectResource(bucket, store.put(bucket, name, made.contentType, data, ifGeneration)));
}

function resume(store: ObjectStore, id: string, request: ServiceRequest, fault: Fault | null): Answer | 'cut' {
  if (request.method === 'DELETE') {
    store.endSession(id);
    return { ...NOTHING, status: 499 };
  }
  const asked = /^bytes (?:\*|(\d+)-(\d+|\*))\/(\d+|\*)$/.exec(request.contentRange ?? '');
  if (asked === null)
    throw new ServiceError('invalid', `the proxy does not know Content-Range: ${request.contentRange}`);
  const [, first, last, all] = asked;
  if (first === undefined) return stateOf(store.session(id));
  const end = Number(first) + request.body.length;
  if (last !== '*' && Number(last) + 1 !== end) throw new ServiceError('invalid', 'Content-Range is not what is sent');
  // Open at both ends: what comes is all.
  const total = all !== '*' ? Number(all) : last === '*' ? end : null;
  const isCut = fault?.fault === 'cut-upload';
  const bytes = isCut ? request.body.subarray(0, fault.afterBytes) : request.body;
  const session = store.append(id, Number(first), bytes, total, isCut);
  return isCut ? 'cut' : stateOf(session);
}

function stateOf({ bucket, object, data }: UploadSession): Answer {
  if (object !== null) return jsonAnswer(200, objectResource(bucket, object));
  return { ...NOTHING, status: 308, ...(data.length > 0 && { headers: { range: `bytes=0-${data.length - 1}` } }) };
}

function media({ data, contentType }: ObjectEntry): Answer {
  const md5 = createHash('md5').update(data).digest('base64');
  return { status: 200, contentType, body: data, headers: { 'x-goog-hash': `md5=${md5}` } };
}

function conditionOf(query: URLSearchParams): number | null {
  const condition = query.get('ifGenerationMatch');
  return condition === null ? null : Number(condition);
}
