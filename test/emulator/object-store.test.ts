/** The proxy's object store is one to the official client of Cloud Storage, too: so it may stand for the service. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import type { Storage } from '@google-cloud/storage';
import { startProxy, type RunningProxy } from '../../src/emulator/proxy.ts';
import { storageClient } from './storage-client.ts';

const KIB = 1024;

let proxy: RunningProxy;
let storage: Storage;
before(async () => {
  // Nothing here is about BigQuery.
  proxy = await startProxy({ restUrl: 'http://127.0.0.1:1' });
  storage = storageClient(proxy.url);
  await storage.createBucket('b', { location: 'EU' });
});
after(() => proxy.stop());

const data = randomBytes(700 * KIB);

test('objects that come in one request, in a session, or in chunks of a session are the same afterwards', async () => {
  const ways = { simple: { resumable: false }, session: { resumable: true }, chunks: { chunkSize: 256 * KIB } };
  for (const [name, how] of Object.entries(ways)) {
    await storage
      .bucket('b')
      .file(`ways/${name}`)
      .save(data, { validation: 'md5', ...how });
    const [back] = await storage.bucket('b').file(`ways/${name}`).download({ validation: 'md5' });
    assert.ok(back.equals(data), name);
  }
  const [files] = await storage.bucket('b').getFiles({ prefix: 'ways/', maxResults: 2, autoPaginate: false });
  assert.deepEqual(
    files.map(({ name }) => name),
    ['ways/chunks', 'ways/session'],
  );
  assert.equal((await storage.bucket('b').getFiles({ prefix: 'ways/' }))[0].length, 3);
  const [metadata] = await storage.bucket('b').getMetadata();
  assert.equal(metadata.location, 'EU');
});

test('an object that is to be new is made once; one that was made anew is not removed for the old one', async () => {
  const file = storage.bucket('b').file('once');
  await file.save('1', { preconditionOpts: { ifGenerationMatch: 0 }, validation: false, resumable: false });
  for (const resumable of [true, false])
    await assert.rejects(
      file.save('2', { preconditionOpts: { ifGenerationMatch: 0 }, resumable }),
      /412|pre-conditions/,
    );
  const [{ generation }] = await file.getMetadata();
  await file.save('3', { validation: false, resumable: false });
  await assert.rejects(file.delete({ ifGenerationMatch: Number(generation) }), { code: 412 });
  await file.delete();
  assert.deepEqual(await file.exists(), [false]);
  await assert.rejects(file.delete(), { code: 404 });
});

test('of an upload that is cut, a session keeps whole 256 KiB, and goes on from there', async () => {
  // The client asks for the state of the session first.
  const fault = { fault: 'cut-upload', afterBytes: 600 * KIB } as const;
  proxy.planFaults({ planned: [{ on: 'object', of: 'PUT', after: 1, fault }] });
  const file = storage.bucket('b').file('cut');
  const [uri] = await file.createResumableUpload();
  await assert.rejects(file.save(data, { uri, resumable: true, validation: false }));
  assert.deepEqual(await file.exists(), [false]);
  const rest = file.createWriteStream({ uri, offset: 512 * KIB, validation: false });
  rest.end(data.subarray(512 * KIB));
  await once(rest, 'finish');
  assert.ok((await file.download({ validation: 'md5' }))[0].equals(data));
});

test('what is not there, and what is missing in a request, is refused as the service does it', async () => {
  await assert.rejects(storage.bucket('none').getMetadata(), { code: 404 });
  await assert.rejects(storage.bucket('none').file('x').save('x', { resumable: false }), /does not exist/);
  const url = `${proxy.url}/storage/v1/b/b/o`;
  assert.equal((await fetch(url)).status, 401);
});
