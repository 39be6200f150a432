/**
 * Objects that tables were to be loaded from, and that nobody has removed after it: of attempts that were lost in
 * between. Unlike tables they do not expire by themselves. Only what is called as this project calls its own is one.
 */
import type { Bucket, StoredObject } from './bucket.ts';
import { BigQueryError } from './error-reasons.ts';
import { tableOf } from './object-name.ts';
import { sideBySide } from './side-by-side.ts';

export interface LeftObject {
  /** `gs://bucket/folder/TABLE.parquet` */
  uri: string;
  /** The table that it is for. */
  table: string;
  bytes: number;
  /** Milliseconds since 1970. */
  createdMs: number;
  stored: StoredObject;
}

const REQUESTS_AT_A_TIME = 8;

/** Those of tables whose names begin so, oldest first; none where there is no such bucket. Throws BigQueryError. */
export async function listObjects(bucket: Bucket, tablePrefix = ''): Promise<LeftObject[]> {
  const found = await bucket.list(`${bucket.folder}${tablePrefix}`).catch((error: unknown) => {
    if (error instanceof BigQueryError && error.reason === 'notFound') return [];
    throw error;
  });
  const objects: LeftObject[] = [];
  for (const stored of found) {
    const table = tableOf(bucket, stored.name);
    const { bytes, createdMs } = stored;
    if (table !== null) objects.push({ uri: bucket.uriOf(stored.name), table, bytes, createdMs, stored });
  }
  return objects.toSorted((a, b) => a.createdMs - b.createdMs || (a.uri < b.uri ? -1 : 1));
}

/** Those that are still what they were; resolves to how many have gone. Throws BigQueryError. */
export async function removeObjects(bucket: Bucket, objects: LeftObject[]): Promise<number> {
  const removed = await sideBySide(objects, REQUESTS_AT_A_TIME, ({ stored }) => bucket.remove(stored));
  return removed.filter(Boolean).length;
}
