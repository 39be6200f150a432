/** One large object, cut and resumed: the proxy's object store tells what was sent. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { Bucket } from '../../src/bigquery/bucket.ts';
import { openClient } from '../../src/bigquery/client.ts';
import { sendObject } from '../../src/bigquery/send-object.ts';
import { askService, sendParts } from '../../src/bigquery/service-request.ts';
import { checkedBytes, type UploadSource } from '../../src/bigquery/upload-source.ts';
import type { PlannedFault } from '../../src/emulator/faults.ts';
import { startProxy, type RunningProxy } from '../../src/emulator/proxy.ts';
import { PROJECT } from '../emulator/clients.ts';
import { useEmulator } from '../emulator/emulated.ts';
import { storageClient } from '../emulator/storage-client.ts';
import { temporaryFolder } from '../support/parquet-by-sql.ts';

const KIB = 1024;
const BYTES = 1500 * KIB;

interface Bench {
  proxy: RunningProxy;
  data: Buffer;
  source: UploadSource;
  send: (source?: UploadSource) => Promise<unknown>;
  read: () => Promise<Buffer>;
}

async function bench(t: TestContext, planned: PlannedFault[]): Promise<Bench> {
  // Nothing here is about BigQuery.
  const proxy = await startProxy({ restUrl: 'http://127.0.0.1:1' });
  useEmulator(t, proxy.url);
  t.after(() => proxy.stop());
  const storage = storageClient(proxy.url);
  await storage.createBucket('b-1');
  const data = randomBytes(BYTES);
  const path = join(await temporaryFolder(t), 'source');
  await writeFile(path, data);
  const content = createHash('sha256').update(data).digest('hex');
  const source = { name: 'source', files: [{ path, bytes: BYTES }], content };
  const client = openClient({ project: PROJECT, location: 'US' });
  const bucket = new Bucket(client, 'b-1', { pace: { firstMs: 1, longestMs: 20 } });
  proxy.planFaults({ planned });
  return {
    ...{ proxy, data, source },
    send: (own = source) => sendObject(client, bucket, 'o', own),
    read: async () => (await storage.bucket('b-1').file('o').download({ validation: 'md5' }))[0],
  };
}

const cut = (afterBytes: number, passing = 0): PlannedFault => ({
  ...{ on: 'object', of: 'PUT', after: passing },
  fault: { fault: 'cut-upload', afterBytes },
});

test('an upload that is cut twice goes on where it was: no byte that has arrived is sent again', async (t) => {
  // After the first cut a request asks for the state, and the next one goes on.
  const { proxy, data, send, read } = await bench(t, [cut(600 * KIB), cut(400 * KIB, 1)]);
  await send();
  assert.equal(proxy.injectedFaults().length, 2);
  assert.deepEqual(proxy.receivedObjects(), { objects: 1, bytes: BYTES });
  assert.ok((await read()).equals(data));
});

test('a session that is not known any more is begun anew', async (t) => {
  const gone = { fault: 'error', when: 'before', reason: 'notFound', status: 410 } as const;
  const { proxy, data, send, read } = await bench(t, [cut(600 * KIB), { on: 'object', of: 'PUT', fault: gone }]);
  await send();
  assert.deepEqual(proxy.receivedObjects(), { objects: 1, bytes: BYTES + 512 * KIB });
  assert.ok((await read()).equals(data));
});

test('a source with other bytes is never whole: its session is cancelled', async (t) => {
  const refused = { fault: 'error', when: 'before', reason: 'forbidden' } as const;
  const { proxy, source, send, read } = await bench(t, [{ on: 'object', of: 'DELETE', fault: refused }]);
  await assert.rejects(send({ ...source, content: source.content.replace(/^./, 'x') }), { name: 'InputChanged' });
  assert.equal(proxy.receivedObjects().objects, 0);
  assert.match(proxy.injectedFaults()[0]!.request, /^DELETE \/upload\/storage\/v1\/b\/b-1\/o/);
  await assert.rejects(read(), { code: 404 });
});

test('an object that is there is not made again', async (t) => {
  const { proxy, send } = await bench(t, []);
  await send();
  await assert.rejects(send(), { reason: 'duplicate' });
  assert.equal(proxy.receivedObjects().objects, 1);
});

test('a request that is aborted before it has begun ends with the reason of it, and the process goes on', async (t) => {
  const { proxy, source } = await bench(t, []);
  const client = openClient({ project: PROJECT, location: 'US' });
  const signal = AbortSignal.abort(new Error('paused'));
  const request = { url: proxy.url, method: 'PUT', signal } as const;
  // What a body throws when nobody listens would fail the test as an uncaught exception.
  await assert.rejects(sendParts(client, request, checkedBytes(source)), /paused/);
  await assert.rejects(askService(client, { ...request, data: { some: 'thing' } }), /paused/);
});
