/** A load from a bucket: the emulator knows none, and gets the object's bytes with the job. */
import { randomUUID } from 'node:crypto';
import { ServiceError } from './errors.ts';
import { multipart, type Answer } from './http.ts';
import type { Job } from './jobs.ts';
import type { ObjectStore } from './object-store.ts';
import type { Upstream } from './upstream.ts';

const URI = /^gs:\/\/([^/]+)\/(.+)$/;

/** Throws a ServiceError. */
export async function loadObject(
  { upstream, objects }: { upstream: Upstream; objects: ObjectStore },
  job: Job,
): Promise<Answer> {
  const { projectId, location } = job.reference;
  const { sourceUris, ...load } = job.configuration.load as { sourceUris?: string[] };
  const [uri, ...others] = sourceUris ?? [];
  const [, bucket, name] = URI.exec(uri ?? '') ?? [];
  if (bucket === undefined || name === undefined)
    throw new ServiceError(
      'invalid',
      `a load has its data with it, or in gs://BUCKET/NAME, not in ${uri ?? 'nothing'}`,
    );
  if (others.length > 0 || name.includes('*'))
    throw new ServiceError('notImplemented', 'the proxy loads one object at a time');
  const place = objects.bucket(bucket).location;
  if (!isWithin(place, location))
    throw new ServiceError(
      'invalid',
      `Cannot read and write in different locations: source: ${place}, destination: ${location}`,
    );
  const { data } = objects.object(bucket, name);
  const jobReference = { projectId, jobId: randomUUID() };
  const { contentType, body } = multipart({ jobReference, configuration: { ...job.configuration, load } }, data);
  const path = `/upload/bigquery/v2/projects/${projectId}/jobs?uploadType=multipart`;
  return await upstream.forward('POST', path, contentType, body);
}

/** The same location, or a region of the multi-region. */
function isWithin(bucket: string, dataset: string): boolean {
  const [place, whole] = [bucket.toUpperCase(), dataset.toUpperCase()];
  return place === whole || (['US', 'EU'].includes(whole) && place.startsWith(whole === 'EU' ? 'EUROPE-' : 'US-'));
}
