/** Jobs are paid once, whatever becomes of the requests: the real client, the emulator, and the proxy's own books. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import type { TestContext } from 'node:test';
import { BigQueryError, reasonOf, treatmentOf } from '../../src/bigquery/error-reasons.ts';
import { jobId } from '../../src/bigquery/job-id.ts';
import { patiently, type Ask } from '../../src/bigquery/patiently.ts';
import { runJob } from '../../src/bigquery/run-job.ts';
import type { FinishedJob, JobBill, JobHooks, JobRequest } from '../../src/bigquery/run-job.ts';
import type { PlannedFault } from '../../src/emulator/faults.ts';
import { startProxy } from '../../src/emulator/proxy.ts';
import type { RunningProxy } from '../../src/emulator/proxy.ts';
import { startEmulator } from '../../src/emulator/start.ts';
import type { RunningEmulator } from '../../src/emulator/start.ts';
import { PROJECT, restClient } from '../emulator/clients.ts';

const LOCATION = 'EU';
const IDENTITY = { run: 'r1', pair: 'EURUSD', step: 'merge part 1 of 1', content: 'c', location: LOCATION };
const PACE = { firstMs: 1, longestMs: 20 };

let emulator: RunningEmulator;
before(async () => (emulator = await startEmulator({ project: PROJECT })));
after(() => emulator.stop());

interface Books {
  reserved: string[];
  settled: Map<string, JobBill>;
}

interface Bench {
  proxy: RunningProxy;
  books: Books;
  run: (options?: {
    sql?: string;
    epoch?: number;
    earlier?: number[];
    insert?: JobRequest['insert'];
    hooks?: Partial<JobHooks>;
  }) => Promise<FinishedJob>;
}

let tables = 0;

/** A dataset with one table, and a step that copies it. */
async function bench(t: TestContext, planned: PlannedFault[]): Promise<Bench> {
  const proxy = await startProxy({ restUrl: emulator.restUrl });
  t.after(() => proxy.stop());
  const client = restClient(proxy.url);
  const dataset = `set_${++tables}`;
  await client.createDataset(dataset, { location: LOCATION });
  const query = `CREATE TABLE ${dataset}.source AS SELECT x FROM UNNEST(GENERATE_ARRAY(1, 100)) AS x`;
  const [made] = await client.createQueryJob({ query, location: LOCATION });
  await made.promise();
  const paidBefore = proxy.books().length;
  proxy.planFaults({ planned });
  const books: Books = { reserved: [], settled: new Map() };
  const hooks: JobHooks = {
    pace: PACE,
    reserve: (id) => {
      books.reserved.push(id);
      return Promise.resolve();
    },
    settle: (id, bill) => {
      books.settled.set(id, bill);
      return Promise.resolve();
    },
  };
  const destination = client.dataset(dataset).table('merged');
  return {
    proxy: { ...proxy, books: () => proxy.books().slice(paidBefore) },
    books,
    run: ({ sql = `SELECT x FROM ${dataset}.source`, epoch = 0, earlier = [], insert, hooks: own = {} } = {}) =>
      runJob(
        client,
        {
          identity: IDENTITY,
          firstEpoch: epoch,
          earlier,
          insert: insert ?? ((id) => client.createQueryJob({ jobId: id, query: sql, location: LOCATION, destination })),
        },
        { ...hooks, ...own },
      ),
  };
}

const lost: [string, PlannedFault][] = [
  [
    'an insert that is refused for the moment',
    { on: 'insert', fault: { fault: 'error', when: 'before', reason: 'backendError' } },
  ],
  [
    'an insert whose answer is an error after its effect',
    { on: 'insert', fault: { fault: 'error', when: 'after', reason: 'internalError' } },
  ],
  ['an insert whose answer is cut off', { on: 'insert', fault: { fault: 'cut', when: 'after' } }],
  ['a connection that is cut before the insert', { on: 'insert', fault: { fault: 'cut', when: 'before' } }],
  ['a look that fails', { on: 'poll', fault: { fault: 'error', when: 'before', reason: 'backendError' } }],
  ['a token that has expired', { on: 'poll', fault: { fault: 'expired-token' } }],
  ['too many requests', { on: 'insert', fault: { fault: 'error', when: 'before', reason: 'rateLimitExceeded' } }],
];
for (const [name, fault] of lost)
  test(`${name}: one job is paid`, async (t) => {
    const { proxy, books, run } = await bench(t, [fault]);
    const job = await run();
    assert.equal(proxy.injectedFaults().length, 1);
    assert.deepEqual(
      proxy.books().map(({ jobId: id }) => id),
      [job.id],
    );
    assert.equal(job.id, jobId(IDENTITY, 0));
    assert.deepEqual(
      [...books.settled],
      [[job.id, { bytesBilled: proxy.books()[0]!.bytesBilled, slotMs: job.slotMs }]],
    );
    assert.ok(job.bytesBilled >= 10 * 1024 * 1024, 'the least that a table costs');
  });

test('whoever comes after a crash attaches to the job', async (t) => {
  const { proxy, run } = await bench(t, []);
  const first = await run();
  const second = await run();
  assert.equal(second.id, first.id);
  assert.equal(second.bytesBilled, first.bytesBilled);
  assert.equal(proxy.books().length, 1);
});

test("a job that fails of the service's own trouble is done again under a new id, and found there after a crash", async (t) => {
  const fault = { fault: 'job-error', reason: 'jobInternalError' } as const;
  const { proxy, books, run } = await bench(t, [{ on: 'insert', fault }]);
  const job = await run();
  assert.equal(job.epoch, 1);
  assert.deepEqual([...books.settled.keys()], [jobId(IDENTITY, 0), jobId(IDENTITY, 1)]);
  assert.equal(books.settled.get(jobId(IDENTITY, 0))!.bytesBilled, 0);
  assert.equal((await run()).id, job.id);
  assert.equal(proxy.books().filter(({ bytesBilled }) => bytesBilled > 0).length, 1);
});

const failures = [
  ['accessDenied', 'ConfigInvalid', 'fail'],
  ['quotaExceeded', 'BackendUnavailable', 'fail'],
  ['resourcesExceeded', 'MemoryExhausted', 'narrower'],
] as const;
for (const [reason, type, remedy] of failures)
  test(`${reason} is not tried again`, async (t) => {
    const { books, run } = await bench(t, [{ on: 'insert', fault: { fault: 'job-error', reason } }]);
    await assert.rejects(run(), (error) => {
      assert.ok(error instanceof BigQueryError, String(error));
      assert.deepEqual([error.reason, error.type, error.remedy], [reason, type, remedy]);
      assert.ok(!error.message.includes('\n'));
      return true;
    });
    assert.deepEqual(
      [...books.settled.values()].map(({ bytesBilled }) => bytesBilled),
      [0],
    );
  });

test('an old failure is not attached to, unless the same would come of it again', async (t) => {
  for (const [reason, epoch] of [
    ['quotaExceeded', 1],
    ['resourcesExceeded', null],
  ] as const) {
    const { run } = await bench(t, [{ on: 'insert', fault: { fault: 'job-error', reason } }]);
    await assert.rejects(run(), BigQueryError);
    if (epoch === null) await assert.rejects(run(), { reason });
    else assert.equal((await run()).epoch, epoch);
  }
});

test('a request that is refused as it is has cost nothing', async (t) => {
  const { proxy, books, run } = await bench(t, []);
  await assert.rejects(run({ sql: 'SELEKT' }), BigQueryError);
  assert.deepEqual(
    [...books.settled.values()].map(({ bytesBilled }) => bytesBilled),
    [0],
  );
  assert.equal(proxy.books().filter(({ bytesBilled }) => bytesBilled > 0).length, 0);
});

test('nothing is submitted without a reservation', async (t) => {
  const { proxy, run } = await bench(t, []);
  const reserve = (): Promise<void> => Promise.reject(new Error('no money'));
  await assert.rejects(run({ hooks: { reserve } }), /no money/);
  assert.equal(proxy.books().length, 0);
});

test('an abort cancels the job, and its bill is settled', async (t) => {
  const { proxy, books, run } = await bench(t, [{ on: 'insert', fault: { fault: 'slow', polls: 1_000_000 } }]);
  const controller = new AbortController();
  const running = run({
    hooks: {
      signal: controller.signal,
      onState: ({ state }) => state === 'RUNNING' && controller.abort(new Error('pivot')),
    },
  });
  await assert.rejects(running, /pivot/);
  assert.deepEqual([...books.settled.keys()], [jobId(IDENTITY, 0)]);
  assert.equal(books.settled.get(jobId(IDENTITY, 0))!.bytesBilled, proxy.books()[0]!.bytesBilled);
});

test('an abort between two tries finds what the last of them has made', async (t) => {
  const { proxy, books, run } = await bench(t, [
    { on: 'insert', fault: { fault: 'error', when: 'after', reason: 'backendError' } },
  ]);
  const controller = new AbortController();
  const reserve = (id: string): Promise<void> => {
    books.reserved.push(id);
    // The pause after the first try meets it.
    setImmediate(() => controller.abort(new Error('pivot')));
    return Promise.resolve();
  };
  await assert.rejects(run({ hooks: { signal: controller.signal, reserve } }), /pivot/);
  assert.deepEqual([...books.settled.keys()], [jobId(IDENTITY, 0)]);
  const billed = proxy.books().reduce((sum, { bytesBilled }) => sum + bytesBilled, 0);
  assert.equal(books.settled.get(jobId(IDENTITY, 0))!.bytesBilled, billed);
});

test('a refusal is no proof that a try before it had no effect: the job is found, or its reservation stays', async (t) => {
  const quota = { on: 'insert', fault: { fault: 'error', when: 'before', reason: 'quotaExceeded' } } as const;
  const lostAnswer = { on: 'insert', fault: { fault: 'error', when: 'after', reason: 'backendError' } } as const;
  const found = await bench(t, [lostAnswer, quota]);
  const job = await found.run();
  assert.equal(found.proxy.books().length, 1);
  assert.equal(found.books.settled.get(job.id)!.bytesBilled, found.proxy.books()[0]!.bytesBilled);

  const nothing = { on: 'insert', fault: { fault: 'cut', when: 'before' } } as const;
  const open = await bench(t, [nothing, quota]);
  await assert.rejects(open.run(), { reason: 'quotaExceeded' });
  assert.deepEqual([open.books.reserved, [...open.books.settled]], [[jobId(IDENTITY, 0)], []]);

  const certain = await bench(t, [quota]);
  await assert.rejects(certain.run(), { reason: 'quotaExceeded' });
  assert.deepEqual([...certain.books.settled], [[jobId(IDENTITY, 0), { bytesBilled: 0, slotMs: 0 }]]);
});

test('after a crash a refusal of the second submission does not book the first as free', async (t) => {
  const { proxy, books, run } = await bench(t, []);
  const first = await run();
  books.settled.clear();
  proxy.planFaults({
    planned: [{ on: 'insert', fault: { fault: 'error', when: 'before', reason: 'quotaExceeded' } }],
  });
  assert.equal((await run()).id, first.id);
  assert.equal(books.settled.get(first.id)!.bytesBilled, first.bytesBilled);
});

test('an error that is none of the service says nothing of the job', async (t) => {
  const { books, run } = await bench(t, []);
  const insert = (): Promise<never> => Promise.reject(new TypeError('a bug'));
  await assert.rejects(run({ insert }), /a bug/);
  assert.deepEqual([...books.settled], []);
});

/** A server that takes requests and never answers. */
async function silentServer(t: TestContext): Promise<{ url: string; requests: () => number }> {
  let requests = 0;
  const server = createServer(() => requests++).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests: () => requests };
}

test('a service that never answers is unavailable, and does not hold up an abort', async (t) => {
  const { url, requests } = await silentServer(t);
  const client = restClient(url);
  const settled: string[] = [];
  const hooks: JobHooks = {
    reserve: () => Promise.resolve(),
    settle: (id) => Promise.resolve(void settled.push(id)),
  };
  const request = {
    ...{ identity: IDENTITY, firstEpoch: 0 },
    insert: (id: string) => client.createQueryJob({ jobId: id, query: 'SELECT 1', location: LOCATION }),
  };
  const quick = { ...PACE, answerMs: 20 };
  await assert.rejects(runJob(client, request, { ...hooks, pace: quick }), {
    ...{ reason: 'timeout', type: 'BackendUnavailable' },
    message: /no answer within 0.02 s/,
  });
  assert.equal(requests(), 8);
  const controller = new AbortController();
  const look = patiently('look', { signal: controller.signal }, () => client.job('x').getMetadata());
  controller.abort(new Error('pivot'));
  await assert.rejects(look, /pivot/);
  const stop = new AbortController();
  const reserve = (): Promise<void> => {
    setImmediate(() => stop.abort(new Error('pause')));
    return Promise.resolve();
  };
  await assert.rejects(runJob(client, request, { ...hooks, reserve, pace: quick, signal: stop.signal }), /pause/);
  assert.deepEqual(settled, [], 'it may be running');
});

test('what moves is not silent; who is silent is told that nobody waits', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const pace = { ...PACE, answerMs: 1000 };
  const moving: Ask<string> = ({ moves }) => {
    for (let i = 0; i < 5; i++) {
      t.mock.timers.tick(900);
      moves();
    }
    return Promise.resolve('sent');
  };
  assert.equal(await patiently('send', { pace }, moving), 'sent');
  let reason = '';
  const silent: Ask<string> = ({ signal }) => {
    signal.addEventListener('abort', () => (reason = (signal.reason as Error).message));
    t.mock.timers.tick(1000);
    return Promise.reject(new BigQueryError('send', 'stopped', 'late'));
  };
  await assert.rejects(patiently('send', { pace, signal: AbortSignal.abort(new Error('pause')) }, silent), /pause/);
  const once = new AbortController();
  const answer = patiently('send', { pace, signal: once.signal }, silent);
  once.abort(new Error('pivot'));
  await assert.rejects(answer, /pivot/);
  assert.equal(reason, 'no answer within 1 s');
});

test('a round attaches to what an earlier one has left running, and books what has ended', async (t) => {
  const { proxy, books, run } = await bench(t, [{ on: 'insert', fault: { fault: 'slow', polls: 3 } }]);
  const controller = new AbortController();
  const vanishing: Partial<JobHooks> = {
    signal: controller.signal,
    leavesJobs: () => true,
    onState: ({ state }) => state === 'RUNNING' && controller.abort(new Error('gone')),
  };
  await assert.rejects(run({ hooks: vanishing }), /gone/);
  assert.deepEqual([...books.settled], []);
  const job = await run({ epoch: 2000, earlier: [0, 1000] });
  assert.deepEqual([job.id, job.epoch], [jobId(IDENTITY, 0), 0]);
  assert.deepEqual([...books.settled.keys()], [job.id]);
  assert.equal(proxy.books().length, 1);

  books.settled.clear();
  assert.equal((await run({ epoch: 2000, earlier: [0, 1000] })).id, job.id);
  assert.equal(books.settled.get(job.id)!.bytesBilled, job.bytesBilled);
});

test('credentials that are missing or are not renewed any more are the configuration, whatever code comes along', () => {
  const says = (message: string, facts: object = {}): string | null =>
    reasonOf(Object.assign(new Error(message), facts));
  assert.equal(says('Could not load the default credentials. Browse to'), 'noCredentials');
  assert.equal(says('invalid_grant', { code: 400 }), 'noCredentials');
  assert.equal(says('Unable to read the credential file specified by'), 'noCredentials');
  assert.equal(treatmentOf('noCredentials').failure, 'ConfigInvalid');
  assert.equal(says('request to https://oauth2.googleapis.com/token failed', { code: 'ENETUNREACH' }), 'backendError');
  assert.equal(says('a bug'), null);
});

test('the id is of the step, its content, the place and the epoch', () => {
  const others = [{ run: 'r2' }, { pair: 'GBPUSD' }, { step: 'x' }, { content: 'd' }, { location: 'US' }];
  const ids = [jobId(IDENTITY, 0), jobId(IDENTITY, 1), ...others.map((other) => jobId({ ...IDENTITY, ...other }, 0))];
  assert.equal(new Set(ids).size, ids.length);
  assert.ok(ids.every((id) => /^[\w-]{1,1024}$/.test(id)));
  assert.equal(jobId({ ...IDENTITY, location: 'eu' }, 0), ids[0]);
});
