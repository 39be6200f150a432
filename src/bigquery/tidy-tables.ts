/** Removes a pair's tables and objects, all and only those, and books what the tables have cost while they were kept. */
import type { Table, TableMetadata } from '@google-cloud/bigquery';
import { Bucket } from './bucket.ts';
import { openSession, type CloudHooks } from './cloud-session.ts';
import { storageNanos } from './costs.ts';
import { listObjects, removeObjects } from './left-objects.ts';
import { listTables } from './list-tables.ts';
import { unlessMissing } from './patiently.ts';
import { sideBySide } from './side-by-side.ts';
import { stagingLine } from './stage-tables.ts';
import { tablePrefix, type CloudRequest } from './staging-tables.ts';

const REQUESTS_AT_A_TIME = 8;

/** Needs nothing on disk. Idempotent. Throws BigQueryError and the signal's reason. */
export async function tidyTables(request: CloudRequest, hooks: CloudHooks): Promise<{ removed: number }> {
  const { client, dataset, patience } = openSession(request, hooks);
  const prefix = tablePrefix(request);
  const tables = ((await listTables(dataset, patience)) ?? []).filter(({ id }) => id?.startsWith(prefix));
  const now = Date.now();
  const costs = await sideBySide(tables, REQUESTS_AT_A_TIME, async (table) => {
    const found = await unlessMissing(`look for table ${table.id}`, patience, () => table.getMetadata());
    const { numBytes, creationTime } = (found?.[0] ?? {}) as TableMetadata;
    return storageNanos(Number(numBytes ?? 0), Math.max(0, now - Number(creationTime ?? now)), request.config);
  });
  // First: after a crash the tables are not there to be counted any more.
  const nanos = costs.reduce((sum, cost) => sum + cost, 0);
  await hooks.purse.settle({ ...stagingLine(request), nanos });
  let done = 0;
  const removed = await sideBySide(tables, REQUESTS_AT_A_TIME, async (table: Table) => {
    const answer = await unlessMissing(`remove table ${table.id}`, patience, () => table.delete());
    hooks.onProgress?.({ step: 'tidy', done: ++done, total: tables.length, bytesDone: 0, bytesTotal: 0 });
    return answer !== null;
  });
  // Of attempts that were lost between object and load: all others have gone with their load.
  const { bucket: setting = null } = request.config;
  if (setting !== null) {
    const bucket = new Bucket(client, setting, patience);
    await removeObjects(bucket, await listObjects(bucket, prefix));
  }
  return { removed: removed.filter(Boolean).length };
}
