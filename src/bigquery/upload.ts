/**
 * A load job with its data in one multipart request: the source's bytes and then the tail's, streamed. The client has
 * such requests, too, but puts the job's labels where the service does not look, and takes one file. A source that is
 * not what was prepared leaves the request unfinished, so that no job comes of it.
 *
 * Source: https://cloud.google.com/bigquery/docs/reference/api-uploads
 */
import { randomUUID } from 'node:crypto';
import type { BigQuery } from '@google-cloud/bigquery';
import { sendParts } from './service-request.ts';
import { assertSourcesUnchanged, checkedBytes, sizeOf, type UploadSource } from './upload-source.ts';

/** The resource of a job: its reference, with id and location, and its configuration. */
export interface LoadJob {
  jobReference: { projectId: string; jobId: string; location: string };
  configuration: { labels: Record<string, string>; load: object };
}

/** Submits the job. Throws MergeFailure InputChanged, the signal's reason, and what the service answers: code and reason. */
export async function uploadLoadJob(
  client: BigQuery,
  job: LoadJob,
  source: UploadSource,
  { signal, onBytes }: { signal?: AbortSignal | undefined; onBytes?: (bytes: number) => void } = {},
): Promise<void> {
  assertSourcesUnchanged(source);
  const boundary = randomUUID();
  const head = Buffer.from(
    `--${boundary}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n${JSON.stringify(job)}\r\n` +
      `--${boundary}\r\nContent-Type: application/octet-stream\r\n\r\n`,
  );
  const end = Buffer.from(`\r\n--${boundary}--\r\n`);
  const length = head.length + sizeOf(source) + end.length;
  const request = {
    url: `${new URL(client.baseUrl).origin}/upload/bigquery/v2/projects/${job.jobReference.projectId}/jobs?uploadType=multipart`,
    method: 'POST' as const,
    headers: { 'Content-Type': `multipart/related; boundary=${boundary}`, 'Content-Length': `${length}` },
    signal,
  };
  async function* body(): AsyncGenerator<Buffer> {
    yield head;
    yield* checkedBytes(source, { onBytes });
    yield end;
  }
  await sendParts(client, request, body());
  assertSourcesUnchanged(source);
}
