/** How a table's bytes come to the service: with the request that makes the load job, or by an object in a bucket. */
import { Bucket, type StoredObject } from './bucket.ts';
import type { CloudSession } from './cloud-session.ts';
import { BigQueryError } from './error-reasons.ts';
import { objectName } from './object-name.ts';
import { isWhole, sendObject } from './send-object.ts';
import { tablePrefix } from './staging-tables.ts';
import { uploadLoadJob, type LoadJob } from './upload.ts';
import type { UploadSource } from './upload-source.ts';

export interface Carrier {
  /** What goes before the job. Throws BigQueryError, MergeFailure InputChanged, and the signal's reason. */
  bring: (table: string, source: UploadSource, onBytes: (bytes: number) => void) => Promise<void>;
  /** Submits the job. Throws MergeFailure InputChanged, the signal's reason, and what the client throws. */
  submit: (
    job: LoadJob,
    table: string,
    source: UploadSource,
    sending: { signal: AbortSignal; onBytes: (bytes: number) => void },
  ) => Promise<void>;
  /** Called once the table is whole: what has carried it goes. Throws BigQueryError. */
  forget: (table: string) => Promise<void>;
}

/** Objects of one name that somebody else makes and removes meanwhile. */
const OBJECTS_OF_A_NAME = 3;

/** Throws BigQueryError where the bucket is not there, or must not be listed. */
export async function openCarrier(session: CloudSession): Promise<Carrier> {
  const { client, request, patience } = session;
  const setting = request.config.bucket ?? null;
  if (setting === null)
    return {
      bring: () => Promise.resolve(),
      submit: (job, _table, source, sending) => uploadLoadJob(client, job, source, sending),
      forget: () => Promise.resolve(),
    };
  const bucket = new Bucket(client, setting, patience);
  return byBucket(session, bucket, await bucket.list(`${bucket.folder}${tablePrefix(request)}`));
}

function byBucket({ client }: CloudSession, bucket: Bucket, found: StoredObject[]): Carrier {
  const objects = new Map(found.map((object) => [object.name, object]));
  const whole = new Set<string>();

  async function ensure(name: string, source: UploadSource, onBytes: (bytes: number) => void): Promise<void> {
    for (let tries = 1; ; tries++) {
      const known = objects.get(name);
      if (known !== undefined) {
        if (await isWhole(known, source)) return;
        await bucket.remove(known);
        objects.delete(name);
      }
      try {
        objects.set(name, await sendObject(client, bucket, name, source, onBytes));
        return;
      } catch (error) {
        // Another attempt's, that goes on although nobody waits for it any more.
        const isThere = error instanceof BigQueryError && error.reason === 'duplicate';
        if (!isThere || tries === OBJECTS_OF_A_NAME) throw error;
        const other = await bucket.find(name);
        if (other !== null) objects.set(name, other);
      }
    }
  }

  return {
    bring: async (table, source, onBytes) => {
      const name = objectName(bucket, table);
      if (!whole.has(name)) await ensure(name, source, onBytes);
      whole.add(name);
    },
    submit: async (job, table) => {
      const name = objectName(bucket, table);
      const { jobReference, configuration } = job;
      await client.createJob({
        jobId: jobReference.jobId,
        location: jobReference.location,
        configuration: {
          labels: configuration.labels,
          load: { ...configuration.load, sourceUris: [bucket.uriOf(name)] },
        },
      });
    },
    forget: async (table) => {
      const object = objects.get(objectName(bucket, table));
      if (object !== undefined) await bucket.remove(object);
    },
  };
}
