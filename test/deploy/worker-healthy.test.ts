import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { Connection } from '@temporalio/client';
import { TASK_QUEUES } from '../../src/contract.ts';
import { ensureTemporalBinary } from '../../src/server/ensure.ts';
import type { RunningServer } from '../../src/server/start.ts';
import { startServer } from '../../src/server/start.ts';
import { inProject } from './deployment.ts';

let server: RunningServer;
let connection: Connection;
const polling = new AbortController();
const polls: Promise<unknown>[] = [];

before(async () => {
  const binary = await ensureTemporalBinary(() => undefined);
  server = await startServer({ binary, dbFilename: null, uiPort: 0 });
  connection = await Connection.connect({ address: server.address });
});
after(async () => {
  // Before the connection is closed: a poll that is retried on a closed one throws where nobody can catch it.
  polling.abort();
  await Promise.all(polls);
  await connection.close();
  await server.stop();
});

async function check(): Promise<{ code: number; said: string }> {
  const script = inProject('deploy/worker-healthy.mjs');
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], TEMPORAL_ADDRESS: server.address };
  const child = spawn(process.execPath, [script], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'exit') as Promise<[number]>]);
  return { code, said };
}

/** Polls both queues as a worker does, until the tests end. The server refuses polls without a deadline. */
function poll(identity: string): void {
  const service = connection.workflowService;
  const namespace = 'default';
  const both = (): Promise<unknown> =>
    Promise.allSettled([
      service.pollWorkflowTaskQueue({ namespace, taskQueue: { name: TASK_QUEUES.pipeline }, identity }),
      service.pollActivityTaskQueue({ namespace, taskQueue: { name: TASK_QUEUES.local }, identity }),
    ]);
  polls.push(connection.withAbortSignal(polling.signal, () => connection.withDeadline(Date.now() + 60_000, both)));
}

const built = existsSync(inProject('dist/contract.js'));
test('healthy while this host’s worker polls, and only then', { skip: built ? false : 'not built' }, async () => {
  const idle = await check();
  assert.equal(idle.code, 1);
  assert.match(idle.said, /does not poll widemerge and widemerge-local\n$/);

  poll('1@another-host');
  assert.equal((await check()).code, 1, 'another machine’s worker does not count');

  poll(`1@${hostname()}`);
  // The server may hear of the poll a moment after the check.
  let last = await check();
  for (let tries = 1; last.code !== 0 && tries < 20; tries++) last = await check();
  assert.deepEqual(last, { code: 0, said: '' });
});
