/**
 * Writes one object by a resumable upload: a session, and one streamed request. What a cut connection has let through
 * is not sent again: the session says how much it has, and the rest follows. The object is there when its last byte
 * is, and never before; there is none yet by this name.
 *
 * Source: https://cloud.google.com/storage/docs/performing-resumable-uploads
 */
import { createHash } from 'node:crypto';
import type { BigQuery } from '@google-cloud/bigquery';
import { storedObject, type Bucket, type StoredObject } from './bucket.ts';
import { patiently } from './patiently.ts';
import { sendParts } from './service-request.ts';
import { assertSourcesUnchanged, checkedBytes, sizeOf, type UploadSource } from './upload-source.ts';

const RESUME_INCOMPLETE = 308;
/** A session that has been cancelled. */
const CLIENT_CLOSED = 499;
/** Of the service's own trouble: what is done about it is to try again. */
const UNAVAILABLE = 503;
/** A session that is not cancelled ends by itself after a week, and shows nowhere: nobody waits long for it. */
const CANCEL_TIMEOUT_MS = 5_000;

/**
 * Throws BigQueryError (`duplicate` where the object is there already), MergeFailure InputChanged and the signal's
 * reason; then there is no object of it.
 */
export async function sendObject(
  client: BigQuery,
  bucket: Bucket,
  name: string,
  source: UploadSource,
  onBytes?: (bytes: number) => void,
): Promise<StoredObject> {
  let session = null as string | null;
  try {
    return await patiently(
      `send ${source.name} to ${bucket.uriOf(name)}`,
      bucket.patience,
      async ({ moves, signal }) => {
        assertSourcesUnchanged(source);
        const state = session === null ? null : await stateOf(bucket, session, sizeOf(source));
        if (session === null || state === null) session = await begin(bucket, name, sizeOf(source));
        if (state !== null && 'object' in state) return await kept(bucket, state.object, source);
        // An upload may be long under way: only its silence has a limit.
        const moved = (bytes: number): void => {
          moves();
          onBytes?.(bytes);
        };
        return await sendRest(client, bucket, { url: session, from: state?.from ?? 0, source, signal, onBytes: moved });
      },
    );
  } catch (error) {
    if (session !== null) await cancel(bucket, session);
    throw error;
  }
}

/** Whether the object has the source's bytes, which are all read for it. Throws MergeFailure InputChanged. */
export async function isWhole(object: StoredObject, source: UploadSource): Promise<boolean> {
  assertSourcesUnchanged(source);
  return object.bytes === sizeOf(source) && object.md5 === (await md5Of(source));
}

/** The session's address. */
async function begin(bucket: Bucket, name: string, bytes: number): Promise<string> {
  const query = new URLSearchParams({ uploadType: 'resumable', name, ifGenerationMatch: '0' }).toString();
  const { headers } = await bucket.ask({
    url: bucket.urlOf(`/o?${query}`, { isUpload: true }),
    method: 'POST',
    headers: { 'X-Upload-Content-Length': `${bytes}`, 'X-Upload-Content-Type': 'application/octet-stream' },
    data: { contentType: 'application/octet-stream' },
  });
  const session = headers.get('location');
  if (session === null) throw trouble('the upload has no session');
  return session;
}

/** What the session has: so many bytes, or the whole object. Null where it is of no use any more. */
async function stateOf(
  bucket: Bucket,
  session: string,
  bytes: number,
): Promise<{ from: number } | { object: StoredObject } | null> {
  const { status, headers, data } = await bucket.ask({
    url: session,
    method: 'PUT',
    headers: { 'Content-Length': '0', 'Content-Range': `bytes */${bytes}` },
    alsoFine: [RESUME_INCOMPLETE, 404, 410, CLIENT_CLOSED],
  });
  if (status < 300) return { object: storedObject(data) };
  if (status !== RESUME_INCOMPLETE) return null;
  const last = /-(\d+)$/.exec(headers.get('range') ?? '')?.[1];
  const from = last === undefined ? 0 : Number(last) + 1;
  return from < bytes ? { from } : null;
}

async function sendRest(
  client: BigQuery,
  bucket: Bucket,
  upload: { url: string; from: number; source: UploadSource; signal: AbortSignal; onBytes: (bytes: number) => void },
): Promise<StoredObject> {
  const { url, from, source, signal, onBytes } = upload;
  const bytes = sizeOf(source);
  const md5 = createHash('md5');
  const { status, data } = await sendParts(
    client,
    {
      ...{ url, method: 'PUT', signal },
      headers: { 'Content-Length': `${bytes - from}`, 'Content-Range': `bytes ${from}-${bytes - 1}/${bytes}` },
      alsoFine: [RESUME_INCOMPLETE],
    },
    checkedBytes(source, { from, also: md5, onBytes }),
  );
  if (status === RESUME_INCOMPLETE) throw trouble('the upload was taken in part only');
  return await kept(bucket, storedObject(data), source, md5.digest('base64'));
}

async function md5Of(source: UploadSource): Promise<string> {
  const md5 = createHash('md5');
  const parts = checkedBytes(source, { also: md5 });
  while ((await parts.next()).done !== true);
  return md5.digest('base64');
}

/** What has arrived is what was sent, and that is what was prepared; or it goes away again. */
async function kept(bucket: Bucket, object: StoredObject, source: UploadSource, md5?: string): Promise<StoredObject> {
  try {
    if (object.md5 !== (md5 ?? (await md5Of(source)))) throw trouble('the object is not what was sent');
    assertSourcesUnchanged(source);
    return object;
  } catch (error) {
    await bucket.remove(object);
    throw error;
  }
}

async function cancel(bucket: Bucket, session: string): Promise<void> {
  const request = { url: session, method: 'DELETE' as const, signal: undefined, timeoutMs: CANCEL_TIMEOUT_MS };
  await bucket.ask(request).catch(() => undefined);
}

const trouble = (message: string): Error => Object.assign(new Error(message), { code: UNAVAILABLE });
