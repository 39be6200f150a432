/** Stage, query and tidy a pair: the real client, the emulator, and the strict proxy's own books. */
import assert from 'node:assert/strict';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import type { TableMetadata } from '@google-cloud/bigquery';
import { openClient } from '../../src/bigquery/client.ts';
import { BigQueryError } from '../../src/bigquery/error-reasons.ts';
import { listTables } from '../../src/bigquery/list-tables.ts';
import { readMergedParts } from '../../src/bigquery/merged-parts.ts';
import { endJobs } from '../../src/bigquery/end-jobs.ts';
import { queryParts } from '../../src/bigquery/query-parts.ts';
import { stageTables } from '../../src/bigquery/stage-tables.ts';
import { tableLabels, type CloudRequest } from '../../src/bigquery/staging-tables.ts';
import { tidyTables } from '../../src/bigquery/tidy-tables.ts';
import type { BookedJob } from '../../src/emulator/jobs.ts';
import { startEmulator, type RunningEmulator } from '../../src/emulator/start.ts';
import { readStaging } from '../../src/merge/staging.ts';
import { PROJECT } from '../emulator/clients.ts';
import { expectedRow, LOCATION, pairBench, ROWS, type PairBench } from './staged-pair.ts';

const MIB = 1024 * 1024;

let emulator: RunningEmulator;
before(async () => (emulator = await startEmulator({ project: PROJECT })));
after(() => emulator.stop());

const datasetOf = ({ config }: CloudRequest) =>
  openClient({ project: PROJECT, location: LOCATION }).dataset(config.dataset);
const tableNames = async (request: CloudRequest): Promise<string[]> =>
  (await datasetOf(request).getTables())[0].map(({ id }) => id!).sort();
const jobsOf = ({ proxy }: PairBench, kind: BookedJob['kind']): BookedJob[] =>
  proxy.books().filter((job) => job.kind === kind);

/** All merged columns, row by row in the order of positions. */
async function mergedRows(request: CloudRequest): Promise<unknown[][]> {
  const rows: unknown[][] = Array.from({ length: ROWS }, () => []);
  const { parts } = await readMergedParts(request.workspace);
  for (const { table, slices } of parts) {
    const columns = slices.reduce((sum, { count }) => sum + count, 0);
    const [got] = await datasetOf(request).table(table).getRows();
    assert.equal(got.length, ROWS);
    for (const row of got as Record<string, unknown>[])
      for (let i = 0; i < columns; i++) rows[Number(row.position)]!.push(row[`c${i}`]);
  }
  return rows;
}

/** What was paid, job by job, is what the ledger says, and nothing is left reserved but the staging. */
function assertLedger(bench: PairBench): void {
  const { books } = bench;
  const scans = [...books.settled.values()].filter(({ kind }) => kind === 'scan');
  const nanosOf = (bytes: number): number => Math.ceil((bytes / 2 ** 40) * 6.25 * 1e9);
  assert.deepEqual(
    scans
      .filter(({ nanos }) => nanos > 0)
      .map(({ jobId, nanos }) => [jobId, nanos])
      .sort(),
    jobsOf(bench, 'query')
      .filter(({ bytesBilled }) => bytesBilled > 0)
      .map(({ jobId, bytesBilled }) => [jobId, nanosOf(bytesBilled)])
      .sort(),
  );
  for (const { jobId, nanos } of scans) assert.ok(nanos <= books.asked.get(jobId)!, 'dearer than reserved');
  assert.deepEqual(
    [...books.reserved.values()].map(({ kind }) => kind),
    ['staging'],
  );
}

test('tables are sent once: the next attempt, and the next run, find them', async (t) => {
  const bench = await pairBench(t, emulator.restUrl);
  const { request, hooks } = bench;
  const steps: number[] = [];
  const first = await stageTables(request, { ...hooks, onProgress: ({ bytesDone }) => steps.push(bytesDone) });
  const { spine, checkpoints } = await readStaging(request.workspace);
  const bytes = checkpoints.reduce((sum, { fingerprint, tail }) => sum + fingerprint.size + tail.bytes, spine.bytes);
  assert.deepEqual(first, { tables: 4, sent: 4, bytesSent: bytes });
  assert.equal(steps.at(-1), bytes);
  const loads = jobsOf(bench, 'load');
  assert.equal(loads.length, 4);
  assert.deepEqual(loads[0]!.labels, {
    widemerge_run: 'fx-2026-11-24t02-00-00-000z',
    widemerge_pair: 'eurusd',
    widemerge_step: 'stage',
  });
  const [dataset] = (await datasetOf(request).getMetadata()) as unknown as [
    { location: string; defaultTableExpirationMs: string },
  ];
  assert.deepEqual(
    [dataset.location, Number(dataset.defaultTableExpirationMs)],
    [LOCATION, request.config.stagingExpiresMs],
  );
  for (const again of [request, { ...request, run: 'fx@2026-11-25T02:00:00.000Z', round: 3 }])
    assert.deepEqual(await stageTables(again, hooks), { tables: 4, sent: 0, bytesSent: 0 });
  assert.equal(jobsOf(bench, 'load').length, 4);
  for (const { kind, nanos, expiresMs } of bench.books.reserved.values()) {
    assert.ok(kind === 'staging' && nanos > 0);
    // It counts as spent once the tables are gone, whatever becomes of the pair.
    const left = expiresMs! - Date.now();
    assert.ok(left > 0.9 * request.config.stagingExpiresMs && left <= request.config.stagingExpiresMs, `${left} ms`);
  }
});

test('a pair in partitions: every value in its row, whatever the keys are like; the ledger is what was paid', async (t) => {
  const bench = await pairBench(t, emulator.restUrl, 6);
  const { request, hooks, books } = bench;
  await stageTables(request, hooks);
  const queried = await queryParts(request, hooks);
  const { parts, planId, dataset } = await readMergedParts(request.workspace);
  assert.deepEqual([planId, dataset, parts.length], ['plan', request.config.dataset, 3]);
  assert.deepEqual(
    await mergedRows(request),
    Array.from({ length: ROWS }, (_, i) => expectedRow(i)),
  );
  const billed = jobsOf(bench, 'query')
    .map(({ bytesBilled }) => bytesBilled)
    .sort();
  assert.deepEqual(billed, [20 * MIB, 20 * MIB, 30 * MIB]);
  const nanos = [...books.settled.values()].reduce((sum, line) => sum + line.nanos, 0);
  assert.deepEqual({ ...queried, slotMs: 0 }, { parts: 3, queries: 3, bytesBilled: 70 * MIB, slotMs: 0, nanos });
  assertLedger(bench);

  assert.deepEqual(await queryParts(request, hooks), queried, 'the next attempt tells the same bill');
  const next = { ...request, run: 'fx@2026-11-25T02:00:00.000Z' };
  assert.deepEqual(await queryParts(next, hooks), { parts: 3, queries: 0, bytesBilled: 0, slotMs: 0, nanos: 0 });
  assert.equal(jobsOf(bench, 'query').length, 3);
});

test('what is too much for one query is cut in half, and found again after a crash', async (t) => {
  const bench = await pairBench(t, emulator.restUrl);
  const { request, hooks, proxy } = bench;
  await stageTables(request, hooks);
  const tooMuch = { fault: 'job-error', reason: 'resourcesExceeded' } as const;
  // Before each query there is its dry run: it meets the whole, then its first half.
  proxy.planFaults({ planned: [1, 2].map(() => ({ on: 'insert', after: 1, fault: tooMuch })) });
  const queried = await queryParts(request, hooks);
  const { parts } = await readMergedParts(request.workspace);
  assert.deepEqual(
    parts.map(({ slices }) => slices.reduce((sum, { count }) => sum + count, 0)),
    [3, 3, 6],
  );
  assert.deepEqual(
    await mergedRows(request),
    Array.from({ length: ROWS }, (_, i) => expectedRow(i)),
  );
  assertLedger(bench);
  const jobs = proxy.books().length;
  assert.deepEqual(await queryParts(request, hooks), queried);
  assert.equal(proxy.books().length, jobs);
});

test('lost answers, refusals and slow jobs: everything is sent and paid once', async (t) => {
  const bench = await pairBench(t, emulator.restUrl, 6);
  const { request, hooks, proxy } = bench;
  proxy.planFaults({
    seeded: {
      seed: 11,
      rate: 0.25,
      choices: [
        { on: ['insert', 'poll', 'metadata'], fault: { fault: 'error', when: 'before', reason: 'backendError' } },
        { on: ['insert', 'poll', 'metadata'], fault: { fault: 'error', when: 'after', reason: 'internalError' } },
        { on: ['insert', 'poll', 'metadata'], fault: { fault: 'cut', when: 'after' } },
        { on: ['insert', 'poll', 'metadata'], fault: { fault: 'expired-token' } },
        { on: ['insert'], fault: { fault: 'slow', polls: 2 } },
      ],
    },
  });
  await stageTables(request, hooks);
  await queryParts(request, hooks);
  assert.ok(proxy.injectedFaults().length >= 5, `${proxy.injectedFaults().length} faults`);
  proxy.planFaults({});
  assert.deepEqual(
    await mergedRows(request),
    Array.from({ length: ROWS }, (_, i) => expectedRow(i)),
  );
  assert.equal(jobsOf(bench, 'query').filter(({ bytesBilled }) => bytesBilled > 0).length, 3);
  assert.equal(jobsOf(bench, 'load').filter(({ reason }) => reason === null).length, 4);
  assertLedger(bench);
});

test('a pivot cancels the query and counts its charge; who comes back does not find the cancelled one', async (t) => {
  const bench = await pairBench(t, emulator.restUrl);
  const { request, hooks, proxy } = bench;
  await stageTables(request, hooks);
  proxy.planFaults({ planned: [{ on: 'insert', after: 1, fault: { fault: 'slow', polls: 1_000_000 } }] });
  const controller = new AbortController();
  const onProgress = (): void => {
    if (jobsOf(bench, 'query').length === 1) controller.abort(new Error('pivot'));
  };
  await assert.rejects(queryParts(request, { ...hooks, signal: controller.signal, onProgress }), /pivot/);
  assert.equal(jobsOf(bench, 'query')[0]!.bytesBilled, 40 * MIB);
  assertLedger(bench);
  const queried = await queryParts(request, hooks);
  assert.deepEqual([queried.parts, queried.queries, queried.bytesBilled], [1, 2, 80 * MIB]);
  assertLedger(bench);
});

test('a worker that shuts down leaves the query running: the next attempt finds it, and it is paid once', async (t) => {
  const bench = await pairBench(t, emulator.restUrl);
  const { request, hooks, proxy } = bench;
  await stageTables(request, hooks);
  proxy.planFaults({ planned: [{ on: 'insert', after: 1, fault: { fault: 'slow', polls: 4 } }] });
  const controller = new AbortController();
  const onProgress = (): void => {
    if (jobsOf(bench, 'query').length === 1) controller.abort(new Error('shutdown'));
  };
  const leaving = { ...hooks, signal: controller.signal, leavesJobs: () => true, onProgress };
  await assert.rejects(queryParts(request, leaving), /shutdown/);
  assert.equal(jobsOf(bench, 'query')[0]!.state, 'RUNNING');
  const queried = await queryParts(request, hooks);
  assert.deepEqual([queried.queries, jobsOf(bench, 'query').length], [1, 1]);
  assertLedger(bench);
});

test('a retry of the operator finds the query that still runs: it is paid and counted once', async (t) => {
  const bench = await pairBench(t, emulator.restUrl);
  const { request, hooks, proxy } = bench;
  await stageTables(request, hooks);
  proxy.planFaults({ planned: [{ on: 'insert', after: 1, fault: { fault: 'slow', polls: 4 } }] });
  const controller = new AbortController();
  const onProgress = (): void => {
    if (jobsOf(bench, 'query').length === 1) controller.abort(new Error('gone'));
  };
  const vanishing = { ...hooks, signal: controller.signal, leavesJobs: () => true, onProgress };
  await assert.rejects(queryParts(request, vanishing), /gone/);
  const retried = { ...request, round: 2 };
  const queried = await queryParts(retried, hooks);
  assert.deepEqual([queried.queries, queried.bytesBilled, jobsOf(bench, 'query').length], [1, 40 * MIB, 1]);
  assertLedger(bench);
  assert.deepEqual(await queryParts({ ...request, round: 3 }, hooks), queried, 'it has ended in an earlier round');
  const { parts } = await readMergedParts(request.workspace);
  await datasetOf(request).table(parts[0]!.table).delete();
  assert.equal((await queryParts({ ...request, round: 4 }, hooks)).queries, 2, 'its table is gone');
  assertLedger(bench);
});

test('every table says whose it is, and expires, whatever its dataset has and before its query has ended', async (t) => {
  const bench = await pairBench(t, emulator.restUrl);
  const { request, hooks, proxy } = bench;
  // Somebody else's, by its settings: without a default expiration.
  await openClient({ project: PROJECT, location: LOCATION }).createDataset(request.config.dataset, {
    location: LOCATION,
  });
  const tables = async (): Promise<{ name: string; expiresMs: number; labels: unknown; rows: number }[]> =>
    Promise.all(
      (await tableNames(request)).map(async (name) => {
        const [metadata] = (await datasetOf(request).table(name).getMetadata()) as unknown as [TableMetadata];
        const { expirationTime, labels, numRows } = metadata;
        return { name, expiresMs: Number(expirationTime), labels, rows: Number(numRows) };
      }),
    );
  await stageTables(request, hooks);
  proxy.planFaults({ planned: [{ on: 'insert', after: 1, fault: { fault: 'slow', polls: 3 } }] });
  const controller = new AbortController();
  const onProgress = (): void => {
    if (jobsOf(bench, 'query').length === 1) controller.abort(new Error('shutdown'));
  };
  const leaving = { ...hooks, signal: controller.signal, leavesJobs: () => true, onProgress };
  await assert.rejects(queryParts(request, leaving), /shutdown/);
  assert.equal(jobsOf(bench, 'query')[0]!.state, 'RUNNING');
  const running = await tables();
  assert.equal(running.length, 5);
  assert.equal(running.find(({ name }) => name.includes('_m_'))!.rows, 0);
  for (const { name, expiresMs, labels } of running) {
    const left = expiresMs - Date.now();
    assert.ok(left > 0.9 * request.config.stagingExpiresMs && left <= request.config.stagingExpiresMs, name);
    assert.deepEqual(labels, { widemerge_run: 'fx-2026-11-24t02-00-00-000z', widemerge_pair: 'eurusd' }, name);
  }
  const merged = datasetOf(request).table(running.find(({ name }) => name.includes('_m_'))!.name);
  await queryParts(request, hooks);
  // Half of its time is over; it is about to be read.
  const halfway = Date.now() + request.config.stagingExpiresMs / 2;
  await merged.setMetadata({ expirationTime: `${halfway}` });
  await queryParts(request, hooks);
  const renewed = (await tables()).find(({ name }) => name === merged.id)!;
  assert.ok(renewed.expiresMs > halfway + request.config.stagingExpiresMs / 4);
  assert.equal(renewed.rows, ROWS);
  assert.equal(jobsOf(bench, 'query').length, 1);
});

test('a long name of a run is cut in its labels, and its start is not', () => {
  const run = `${'Long.Name'.repeat(11)}@2026-11-24T02:00:00Z`;
  const { widemerge_run: label, widemerge_pair: pair } = tableLabels({ run, pair: 'P'.repeat(200) });
  assert.match(label!, /^long-namelong-.*-2026-11-24t02-00-00z$/);
  assert.deepEqual([label!.length, pair!.length], [63, 63]);
});

test('what an attempt that vanished has left is ended and booked, where the pair goes elsewhere', async (t) => {
  const bench = await pairBench(t, emulator.restUrl);
  const { request, hooks, proxy, books } = bench;
  await stageTables(request, hooks);
  // The first is the dry run.
  proxy.planFaults({ planned: [{ on: 'insert', after: 1, fault: { fault: 'slow', polls: 1e6 } }] });
  const controller = new AbortController();
  const onProgress = (): void => {
    if (jobsOf(bench, 'query').some(({ state }) => state === 'RUNNING')) controller.abort(new Error('gone'));
  };
  const vanishing = { ...hooks, signal: controller.signal, leavesJobs: () => true, onProgress };
  await assert.rejects(queryParts(request, vanishing), /gone/);
  // Reserved, and its worker gone before it was submitted.
  await books.reserve({ jobId: 'widemerge_never', step: 'merge', kind: 'scan', nanos: 5 });
  const ended = await endJobs(request, hooks);
  const paid = [...books.settled.values()].reduce((sum, { kind, nanos }) => sum + (kind === 'scan' ? nanos : 0), 0);
  assert.deepEqual(ended, { ended: 2, nanos: paid });
  assert.ok(paid > 0);
  assert.ok(proxy.books().every(({ state }) => state === 'DONE'));
  assert.deepEqual(books.settled.get('widemerge_never')?.nanos, 0);
  assertLedger(bench);
  assert.deepEqual(await endJobs(request, hooks), { ended: 0, nanos: 0 });
});

test('an abort while files are sent leaves nothing running, and what has arrived is not sent again', async (t) => {
  const bench = await pairBench(t, emulator.restUrl);
  const { request, hooks } = bench;
  const controller = new AbortController();
  const onProgress = (): void => controller.abort(new Error('paused'));
  await assert.rejects(stageTables(request, { ...hooks, signal: controller.signal, onProgress }), /paused/);
  assert.ok(bench.proxy.books().every(({ state }) => state === 'DONE'));
  await stageTables(request, hooks);
  assert.equal(jobsOf(bench, 'load').filter(({ reason }) => reason === null).length, 4);
});

test('beyond the budget nothing is submitted', async (t) => {
  const bench = await pairBench(t, emulator.restUrl, 6);
  const { request, hooks, books } = bench;
  books.limitNanos = 0;
  await assert.rejects(stageTables(request, hooks), { type: 'BudgetExceeded' });
  assert.deepEqual(bench.proxy.books(), []);
  books.limitNanos = Infinity;
  await stageTables(request, hooks);
  books.limitNanos = 150_000;
  await assert.rejects(queryParts(request, hooks), { type: 'BudgetExceeded' });
  for (const { jobId } of jobsOf(bench, 'query')) assert.ok(books.settled.has(jobId), 'submitted without money');
  const paid = jobsOf(bench, 'query').length;
  assert.ok(paid < 3);
});

test('staging tables that are gone are sent again, a result that is gone is made and paid again', async (t) => {
  const bench = await pairBench(t, emulator.restUrl);
  const { request, hooks } = bench;
  await stageTables(request, hooks);
  const gone = (await tableNames(request)).find((name) => name.includes('_s_'))!;
  await datasetOf(request).table(gone).delete();
  await queryParts(request, hooks);
  assert.equal(jobsOf(bench, 'load').length, 5);
  const { parts } = await readMergedParts(request.workspace);
  await datasetOf(request).table(parts[0]!.table).delete();
  const queried = await queryParts(request, hooks);
  assert.deepEqual([queried.parts, queried.queries], [1, 2]);
  assertLedger(bench);
});

test("tidy removes all of this pair's tables and no others, and settles what they have cost", async (t) => {
  const bench = await pairBench(t, emulator.restUrl, 6);
  const { request, hooks, books } = bench;
  const other = { ...request, pair: 'GBPUSD' };
  await stageTables(other, hooks);
  const others = await tableNames(request);
  await stageTables(request, hooks);
  await queryParts(request, hooks);
  const names = (await tableNames(request)).length;
  assert.equal(names, others.length + 7);
  assert.equal((await listTables(datasetOf(request), {}, 2))?.length, names, 'of several pages');
  assert.deepEqual(await tidyTables(request, hooks), { removed: 7 });
  assert.deepEqual(await tableNames(request), others);
  const staging = [...books.settled.values()].filter(({ kind }) => kind === 'staging');
  assert.equal(staging.length, 1);
  assert.ok(staging[0]!.nanos > 0 && staging[0]!.nanos < 1000, `${staging[0]!.nanos}`);
  assert.deepEqual(await tidyTables(request, hooks), { removed: 0 });
});

test('a checkpoint that is not what was prepared is not loaded', async (t) => {
  const bench = await pairBench(t, emulator.restUrl);
  const { request, hooks } = bench;
  const { checkpoints } = await readStaging(request.workspace);
  const [grown, tail] = [checkpoints[1]!, checkpoints[2]!.tail];
  await appendFile(grown.path, 'x');
  await assert.rejects(stageTables(request, hooks), { name: 'InputChanged', message: /^b\.parquet/ });
  await writeFile(grown.path, (await readFile(grown.path)).subarray(0, -1));
  // The same size and time: only its digest tells.
  await writeFile(tail.path, (await readFile(tail.path)).reverse());
  const elsewhere = { ...request, config: { ...request.config, dataset: `${request.config.dataset}_2` } };
  await assert.rejects(stageTables(elsewhere, hooks), { name: 'InputChanged' });
  for (const job of jobsOf(bench, 'load')) assert.equal(job.reason, null);
  const staged = await Promise.all([request, elsewhere].map(tableNames));
  const content = checkpoints[2]!.content.slice(0, 32);
  const rows = await datasetOf(elsewhere)
    .table(staged[1]!.find((name) => name.endsWith(content))!)
    .getRows();
  assert.deepEqual(rows[0], []);
});

test('a dataset in another location is told at once', async (t) => {
  const { request, hooks, proxy } = await pairBench(t, emulator.restUrl);
  await openClient({ project: PROJECT, location: 'US' }).createDataset(request.config.dataset, { location: 'US' });
  await assert.rejects(stageTables(request, hooks), (error) => {
    assert.ok(error instanceof BigQueryError);
    assert.deepEqual([error.type, error.reason], ['ConfigInvalid', 'notFound']);
    assert.match(error.message, /it is in US, and bigquery.location is EU/);
    return true;
  });
  assert.deepEqual(proxy.books(), []);
});
