/**
 * A load job with its data in one multipart request: the source's bytes and then the tail's, streamed. The client has
 * such requests, too, but puts the job's labels where the service does not look, and takes one file.
 *
 * What is sent is what was prepared: the bytes are digested on their way, and the request is left unfinished (so that no
 * job comes of it) where their digest is not the one that names the table.
 *
 * Source: https://cloud.google.com/bigquery/docs/reference/api-uploads
 */
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import type { BigQuery } from '@google-cloud/bigquery';
import { MergeFailure } from '../merge/errors.ts';
import { assertUnchanged } from '../merge/fingerprint.ts';
import type { Fingerprint } from '../merge/plan.ts';

export interface UploadSource {
  /** For messages. */
  name: string;
  /** In this order; only the bytes that are named here are sent. */
  files: { path: string; bytes: number; fingerprint?: Fingerprint }[];
  /** SHA-256 of all of it, hex. */
  content: string;
}

/** The resource of a job: its reference, with id and location, and its configuration. */
interface LoadJob {
  jobReference: { projectId: string; jobId: string; location: string };
  configuration: object;
}

const READ_BYTES = 256 * 1024;

/** Submits the job. Throws MergeFailure InputChanged, the signal's reason, and what the service answers: code and reason. */
export async function uploadLoadJob(
  client: BigQuery,
  job: LoadJob,
  source: UploadSource,
  { signal, onBytes }: { signal?: AbortSignal; onBytes?: (bytes: number) => void } = {},
): Promise<void> {
  await assertSourcesUnchanged(source);
  const boundary = randomUUID();
  const head = Buffer.from(
    `--${boundary}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n${JSON.stringify(job)}\r\n` +
      `--${boundary}\r\nContent-Type: application/octet-stream\r\n\r\n`,
  );
  const end = Buffer.from(`\r\n--${boundary}--\r\n`);
  const length = source.files.reduce((sum, { bytes }) => sum + bytes, head.length + end.length);
  // What goes wrong in the stream is known to the client as a broken request only.
  let failure: unknown;
  const body = Readable.from(
    (async function* () {
      try {
        yield head;
        yield* digested(source, onBytes);
        yield end;
      } catch (error) {
        failure = error;
        throw error;
      }
    })(),
    { objectMode: false },
  );
  try {
    await client.authClient.request({
      url: `${new URL(client.baseUrl).origin}/upload/bigquery/v2/projects/${job.jobReference.projectId}/jobs?uploadType=multipart`,
      method: 'POST',
      headers: { 'Content-Type': `multipart/related; boundary=${boundary}`, 'Content-Length': `${length}` },
      data: body,
      retry: false,
      ...(signal && { signal }),
    });
  } catch (error) {
    signal?.throwIfAborted();
    throw failure ?? refusalOf(error);
  } finally {
    body.destroy();
  }
  await assertSourcesUnchanged(source);
}

async function* digested(source: UploadSource, onBytes?: (bytes: number) => void): AsyncGenerator<Buffer> {
  const digest = createHash('sha256');
  for (const { path, bytes } of source.files) {
    if (bytes === 0) continue;
    let left = bytes;
    for await (const chunk of createReadStream(path, { end: bytes - 1, highWaterMark: READ_BYTES })) {
      const part = chunk as Buffer;
      left -= part.length;
      digest.update(part);
      yield part;
      onBytes?.(part.length);
    }
    if (left > 0) throw changed(source);
  }
  if (digest.digest('hex') !== source.content) throw changed(source);
}

const changed = ({ name }: UploadSource): MergeFailure =>
  new MergeFailure('InputChanged', `${name}: changed since it was prepared for BigQuery; start the merge again`, {
    file: name,
  });

async function assertSourcesUnchanged({ name, files }: UploadSource): Promise<void> {
  for (const { path, fingerprint } of files) if (fingerprint) await assertUnchanged({ name, path, fingerprint });
}

interface HttpFailure {
  status?: number;
  response?: { status?: number; data?: unknown };
}

/** The answer of the service as the client would show it: with its code and its reasons. */
function refusalOf(error: unknown): unknown {
  const { status, response } = error as HttpFailure;
  const code = response?.status ?? status;
  if (code === undefined) return error;
  const data = (response?.data ?? {}) as { error?: { message?: string; errors?: { reason?: string }[] } };
  const said = data.error;
  return Object.assign(new Error(said?.message ?? `HTTP ${code}`, { cause: error }), {
    code,
    errors: said?.errors ?? [],
  });
}
