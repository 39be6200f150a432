/** Whether tables could be loaded through the bucket that is configured: it is there, in place, and may be written. */
import { randomBytes } from 'node:crypto';
import type { BigQuery } from '@google-cloud/bigquery';
import type { BigqueryConfig } from '../payloads.ts';
import { Bucket, storedObject } from './bucket.ts';
import { failed, note, ok, type Check } from './check.ts';
import { BigQueryError } from './error-reasons.ts';
import { patiently, type Patience } from './patiently.ts';
import { isSamePlace } from './places.ts';

interface Bench {
  config: BigqueryConfig & { project: string };
  client: BigQuery;
  member: string;
}

interface BucketResource {
  location?: string;
  lifecycle?: { rule?: { action?: { type?: string } }[] };
}

/** Nothing where no bucket is configured. */
export async function* checkBucket({ config, client, member }: Bench, patience: Patience): AsyncGenerator<Check> {
  const { bucket: setting = null, project, location } = config;
  if (setting === null) return;
  try {
    const bucket = new Bucket(client, setting, patience);
    const what = `bucket ${bucket.name}`;
    const grant = `gcloud storage buckets add-iam-policy-binding gs://${bucket.name} --member="${member}" --role=roles/storage`;
    const make = `gcloud storage buckets create gs://${bucket.name} --project=${project} --location=${location} --uniform-bucket-level-access --soft-delete-duration=0`;
    const mend: Record<string, string> = { notFound: make, accessDenied: `${grant}.objectUser` };
    try {
      yield await checkPlace(bucket, location, `${grant}.legacyBucketReader`, patience);
      await tryObject(bucket);
      yield ok(what, 'objects may be made, listed and removed');
    } catch (error) {
      if (!(error instanceof BigQueryError)) throw error;
      yield failed(what, error, [mend[error.reason] ?? []].flat());
    }
  } catch (error) {
    if (!(error instanceof BigQueryError)) throw error;
    yield failed('bucket', error, ['export STORAGE_EMULATOR_HOST=http://127.0.0.1:PORT']);
  }
}

/** To see the bucket itself is a right of its own, which staging does without. */
async function checkPlace(bucket: Bucket, location: string, grant: string, patience: Patience): Promise<Check> {
  const what = `bucket ${bucket.name}`;
  let resource: BucketResource;
  try {
    const { data } = await patiently(what, patience, () => bucket.ask({ url: bucket.urlOf(''), method: 'GET' }));
    resource = data as BucketResource;
  } catch (error) {
    if (!(error instanceof BigQueryError && error.reason === 'accessDenied')) throw error;
    const says = `the account may not see where it is: it must be in ${location}, or in a region of it`;
    return { ...note(what, says), mend: [grant] };
  }
  const place = resource.location ?? location;
  if (!isSamePlace(place, location))
    return {
      ...{ what, verdict: 'FAIL', says: `it is in ${place}, and bigquery.location is ${location}` },
      mend: ['in the configuration: another name for bigquery.bucket, of one that is there'],
    };
  const expires = resource.lifecycle?.rule?.some(({ action }) => action?.type === 'Delete') ?? false;
  if (expires) return ok(what, `is in ${place}, and its objects expire`);
  const rule = '{"rule": [{"action": {"type": "Delete"}, "condition": {"age": 2}}]}';
  return {
    ...note(what, `is in ${place}; its objects do not expire: what a lost run leaves stays until it is tidied`),
    mend: [
      `echo '${rule}' > rule.json; gcloud storage buckets update gs://${bucket.name} --lifecycle-file=rule.json (of all its objects)`,
    ],
  };
}

/** Makes an empty object, lists it, and removes it. */
async function tryObject(bucket: Bucket): Promise<void> {
  const name = `${bucket.folder}widemerge_doctor_${randomBytes(8).toString('hex')}`;
  const query = new URLSearchParams({ uploadType: 'media', name }).toString();
  const url = bucket.urlOf(`/o?${query}`, { isUpload: true });
  const { data } = await patiently(`make ${bucket.uriOf(name)}`, bucket.patience, () =>
    bucket.ask({ url, method: 'POST', headers: { 'Content-Type': 'text/plain', 'Content-Length': '0' } }),
  );
  await bucket.list(name);
  await bucket.remove(storedObject(data));
}
