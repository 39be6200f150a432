/**
 * A stand-in for Cloud Storage, as far as load jobs need it: buckets, objects, and sessions of resumable uploads, all in
 * memory. It is here because no emulator of BigQuery loads from an object store that could be started with it; it is
 * strict: a name is taken once (ifGenerationMatch), sessions keep whole multiples of 256 KiB of what was cut off.
 */
import { createHash, randomUUID } from 'node:crypto';
import { ServiceError } from './errors.ts';

export interface BucketEntry {
  name: string;
  location: string;
  objects: Map<string, ObjectEntry>;
  /** As it was made with. */
  resource: object;
}

export interface ObjectEntry {
  name: string;
  generation: number;
  contentType: string;
  createdMs: number;
  data: Buffer;
}

export interface UploadSession {
  bucket: string;
  name: string;
  contentType: string;
  /** Generation that must be there when it ends; null where any may, 0 where none may. */
  ifGeneration: number | null;
  data: Buffer;
  /** The object, once it is whole. */
  object: ObjectEntry | null;
}

const SESSION_UNIT = 256 * 1024;

export class ObjectStore {
  /** Bytes of objects that have arrived, and how many of them: what is sent twice is counted twice. */
  readonly received = { objects: 0, bytes: 0 };
  private readonly buckets = new Map<string, BucketEntry>();
  private readonly sessions = new Map<string, UploadSession>();
  private lastGeneration = Date.now() * 1000;

  makeBucket(name: string, resource: { location?: string }): BucketEntry {
    if (this.buckets.has(name))
      throw new ServiceError('conflict', 'Your previous request to create the named bucket succeeded', 409);
    const entry = { name, location: (resource.location ?? 'US').toUpperCase(), objects: new Map(), resource };
    this.buckets.set(name, entry);
    return entry;
  }

  bucket(name: string): BucketEntry {
    const entry = this.buckets.get(name);
    if (entry === undefined) throw new ServiceError('notFound', 'The specified bucket does not exist.');
    return entry;
  }

  object(bucket: string, name: string): ObjectEntry {
    const entry = this.bucket(bucket).objects.get(name);
    if (entry === undefined) throw new ServiceError('notFound', `No such object: ${bucket}/${name}`);
    return entry;
  }

  /** Throws `conditionNotMet`, 412. */
  require(bucket: string, name: string, ifGeneration: number | null): void {
    const generation = this.bucket(bucket).objects.get(name)?.generation ?? 0;
    if (ifGeneration !== null && ifGeneration !== generation)
      throw new ServiceError('conditionNotMet', 'At least one of the pre-conditions you specified did not hold.', 412);
  }

  put(bucket: string, name: string, contentType: string, data: Buffer, ifGeneration: number | null): ObjectEntry {
    this.require(bucket, name, ifGeneration);
    const object = { name, generation: ++this.lastGeneration, contentType, createdMs: Date.now(), data };
    this.bucket(bucket).objects.set(name, object);
    this.received.objects++;
    return object;
  }

  remove(bucket: string, name: string): void {
    this.object(bucket, name);
    this.bucket(bucket).objects.delete(name);
  }

  openSession(session: Omit<UploadSession, 'data' | 'object'>): string {
    this.require(session.bucket, session.name, session.ifGeneration);
    const id = randomUUID();
    this.sessions.set(id, { ...session, data: Buffer.alloc(0), object: null });
    return id;
  }

  session(id: string): UploadSession {
    const session = this.sessions.get(id);
    if (session === undefined) throw new ServiceError('notFound', 'the session of the upload is not known');
    return session;
  }

  endSession(id: string): void {
    this.session(id);
    this.sessions.delete(id);
  }

  /** Takes bytes that begin at `from`; with the last of `total` the object is there. Those of a cut request in part. */
  append(id: string, from: number, bytes: Buffer, total: number | null, isCut: boolean): UploadSession {
    const session = this.session(id);
    if (session.object !== null) return session;
    if (from !== session.data.length)
      throw new ServiceError(
        'invalid',
        `the session has ${session.data.length} bytes, and what is sent begins at ${from}`,
      );
    const all = Buffer.concat([session.data, bytes]);
    const isLast = all.length === total;
    if (!isCut && !isLast && bytes.length % SESSION_UNIT > 0)
      throw new ServiceError('invalid', 'all but the last of a session come in multiples of 256 KiB');
    session.data = isCut ? all.subarray(0, all.length - (all.length % SESSION_UNIT)) : all;
    this.received.bytes += session.data.length - from;
    if (!isCut && isLast)
      session.object = this.put(session.bucket, session.name, session.contentType, all, session.ifGeneration);
    return session;
  }
}

/** The object as the service shows it. */
export function objectResource(
  bucket: string,
  { name, generation, contentType, createdMs, data }: ObjectEntry,
): object {
  return {
    kind: 'storage#object',
    id: `${bucket}/${name}/${generation}`,
    ...{ bucket, name, generation: `${generation}`, metageneration: '1', contentType, size: `${data.length}` },
    md5Hash: createHash('md5').update(data).digest('base64'),
    timeCreated: new Date(createdMs).toISOString(),
  };
}
