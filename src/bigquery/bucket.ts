/**
 * A bucket that tables are loaded from: its JSON API, by the credentials of the BigQuery client. Not by the official
 * client of Cloud Storage: that one keeps up to a chunk of every upload in memory, tries again by rules of its own and
 * loses the service's reasons over it, and its uploads cannot be left unfinished at the last byte, which is how a source
 * that has changed is kept from becoming an object. The tests hold this to that client.
 *
 * Source: https://cloud.google.com/storage/docs/json_api/v1
 */
import type { BigQuery } from '@google-cloud/bigquery';
import { bucketPlace } from '../config/bucket-place.ts';
import { environment } from '../config/environment.ts';
import { BigQueryError } from './error-reasons.ts';
import { patiently, unlessMissing, type Patience } from './patiently.ts';
import { askService, type ServiceAnswer, type ServiceRequest } from './service-request.ts';

export interface StoredObject {
  /** With its folder. */
  name: string;
  /** Another one each time that an object of this name is made. */
  generation: string;
  bytes: number;
  /** Base64. */
  md5: string;
  /** Milliseconds since 1970. */
  createdMs: number;
}

interface ObjectResource {
  name: string;
  generation: string;
  size: string;
  md5Hash?: string;
  timeCreated?: string;
}

const SERVICE = 'https://storage.googleapis.com';

export class Bucket {
  readonly name: string;
  /** What the names of its objects begin with: empty, or ending with a slash. */
  readonly folder: string;
  readonly patience: Patience;
  private readonly client: BigQuery;
  private readonly host: string;

  /** `setting` is `bigquery.bucket`. Throws BigQueryError where one of both services is an emulator, and the other is not. */
  constructor(client: BigQuery, setting: string, patience: Patience) {
    const { bucket, folder } = bucketPlace(setting);
    const emulator = environment.bucketEmulatorUrl;
    const isEmulated = environment.bigqueryEmulator.restUrl !== undefined;
    if (isEmulated !== (emulator !== undefined)) {
      const variables = ['BIGQUERY_EMULATOR_HOST', 'STORAGE_EMULATOR_HOST'];
      const [one, other] = isEmulated ? variables : variables.toReversed();
      throw new BigQueryError(`bucket ${bucket}`, 'notFound', `${one} is set and ${other} is not: set both, or none`);
    }
    this.client = client;
    this.name = bucket;
    this.folder = folder;
    this.patience = patience;
    this.host = emulator ?? SERVICE;
  }

  /** What load jobs call the object. */
  uriOf(name: string): string {
    return `gs://${this.name}/${name}`;
  }

  /** `path` follows the bucket: `/o/...`, or nothing. */
  urlOf(path: string, { isUpload = false } = {}): string {
    return `${this.host}${isUpload ? '/upload' : ''}/storage/v1/b/${encodeURIComponent(this.name)}${path}`;
  }

  /** Once, without patience. */
  ask(request: ServiceRequest): Promise<ServiceAnswer> {
    return askService(this.client, { signal: this.patience.signal, ...request });
  }

  /** All objects whose names begin so. Throws BigQueryError: `notFound` where there is no such bucket. */
  async list(prefix: string): Promise<StoredObject[]> {
    const objects: StoredObject[] = [];
    let pageToken: string | undefined;
    do {
      const fields = 'nextPageToken,items(name,generation,size,md5Hash,timeCreated)';
      const query = new URLSearchParams({ prefix, fields, ...(pageToken !== undefined && { pageToken }) });
      const url = this.urlOf(`/o?${query.toString()}`);
      const { data } = await patiently(`bucket ${this.name}`, this.patience, () => this.ask({ url, method: 'GET' }));
      const page = data as { items?: ObjectResource[]; nextPageToken?: string };
      objects.push(...(page.items ?? []).map(storedObject));
      pageToken = page.nextPageToken;
    } while (pageToken !== undefined);
    return objects;
  }

  /** Null where there is no such object. */
  async find(name: string): Promise<StoredObject | null> {
    const url = this.urlOf(`/o/${encodeURIComponent(name)}`);
    const found = await unlessMissing(`look for ${this.uriOf(name)}`, this.patience, () =>
      this.ask({ url, method: 'GET' }),
    );
    return found === null ? null : storedObject(found.data);
  }

  /** False where it had gone, or was made anew meanwhile. */
  async remove({ name, generation }: StoredObject): Promise<boolean> {
    const url = this.urlOf(`/o/${encodeURIComponent(name)}?ifGenerationMatch=${generation}`);
    try {
      const answer = await unlessMissing(`remove ${this.uriOf(name)}`, this.patience, () =>
        this.ask({ url, method: 'DELETE' }),
      );
      return answer !== null;
    } catch (error) {
      if (error instanceof BigQueryError && error.reason === 'duplicate') return false;
      throw error;
    }
  }
}

/** The object as the service shows it. */
export function storedObject(resource: unknown): StoredObject {
  const { name, generation, size, md5Hash = '', timeCreated = '' } = resource as ObjectResource;
  return { name, generation, bytes: Number(size), md5: md5Hash, createdMs: Date.parse(timeCreated) || 0 };
}
