import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import { ensureTemporalBinary } from '../../src/server/ensure.ts';
import { freePorts, isPortFree } from '../../src/server/ports.ts';
import { startServer } from '../../src/server/start.ts';

test('serves a namespace and the UI on 127.0.0.1, keeps its state in a file, and leaves no process', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'widemerge-server-'));
  t.after(() => rm(folder, { recursive: true }));
  const binary = await ensureTemporalBinary(console.error);
  const options = { binary, dbFilename: join(folder, 'state.db'), namespace: 'merges', logFile: join(folder, 'log') };

  const first = await startServer(options);
  try {
    assert.match(first.address, /^127\.0\.0\.1:\d+$/);
    assert.equal((await fetch(first.uiUrl!)).status, 200);
    await withClient(first.address, (client) =>
      client.workflow.start('none', { workflowId: 'kept', taskQueue: 'nobody', args: [] }),
    );
  } finally {
    await first.stop();
  }
  assert.throws(() => process.kill(first.pid, 0), { code: 'ESRCH' });
  await first.stop();

  const second = await startServer({ ...options, uiPort: 0 });
  try {
    assert.equal(second.uiUrl, null);
    const kept = await withClient(second.address, (client) => client.workflow.getHandle('kept').describe());
    assert.equal(kept.status.name, 'RUNNING');
  } finally {
    await second.stop();
  }
});

test('a server that cannot start is an error that says where to look', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'widemerge-server-'));
  t.after(() => rm(folder, { recursive: true }));
  const binary = await ensureTemporalBinary(console.error);
  const [port] = await freePorts(1);
  const logFile = join(folder, 'log');
  const dbFilename = join(folder, 'missing', 'state.db');
  await assert.rejects(
    startServer({ binary, dbFilename, logFile, port: port! }),
    /did not start on .*ended at once.*log/,
  );
  assert.notEqual(await readFile(logFile, 'utf8'), '');
});

test('free ports are different and free', async () => {
  const ports = await freePorts(20);
  assert.equal(new Set(ports).size, 20);
  assert.ok((await Promise.all(ports.map(isPortFree))).every(Boolean));
});

async function withClient<T>(address: string, use: (client: Client) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address });
  try {
    return await use(new Client({ connection, namespace: 'merges' }));
  } finally {
    await connection.close();
  }
}
