/** The route to BigQuery with nothing made up but the service: real server, worker, merges; the emulator and its proxy's books. */
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { LedgerView } from '../../src/budget/messages.ts';
import { nanosOf } from '../../src/bigquery/purse.ts';
import { raiseBudget, readLedger } from '../../src/client/budget.ts';
import { readStatus } from '../../src/client/read-status.ts';
import { signalPivot, signalRetry } from '../../src/client/signals.ts';
import { startRun } from '../../src/client/start-run.ts';
import { compareWithLocal } from '../../src/cli/demo/compare.ts';
import { defaultBigquery } from '../../src/config/load.ts';
import type { BackendName } from '../../src/contract.ts';
import type { RunConfig } from '../../src/payloads.ts';
import type { RunningEmulator } from '../../src/emulator/start.ts';
import { startEmulator } from '../../src/emulator/start.ts';
import type { RunningProxy } from '../../src/emulator/proxy.ts';
import { startProxy } from '../../src/emulator/proxy.ts';
import type { RunningReadProxy } from '../../src/emulator/read-proxy.ts';
import { startReadProxy } from '../../src/emulator/read-proxy.ts';
import { Stage, until } from './stage.ts';

const MIB = 2 ** 20;
/** Of FILES checkpoints and the spine: 10 MiB each. */
const FILES = 24;
const PAIR_NANOS = nanosOf((6.25 / 2 ** 40) * (FILES + 1) * 10 * MIB);

let emulator: RunningEmulator;
let proxy: RunningProxy;
let reads: RunningReadProxy;
let stage: Stage;
before(async () => {
  // The proxy knows one emulator, and each test has a project of its own.
  emulator = await startEmulator({ project: 'widemerge-first' });
  proxy = await startProxy({ restUrl: emulator.restUrl });
  reads = await startReadProxy({ grpcPort: emulator.grpcPort });
  stage = await Stage.open({
    BIGQUERY_EMULATOR_HOST: proxy.url,
    BIGQUERY_STORAGE_EMULATOR_HOST: `127.0.0.1:${reads.grpcPort}`,
  });
  const samples = ['--files', `${FILES}`, '--columns', '25', '--rows', '2000', '--misaligned', '20'];
  const pairs = ['--pairs', 'EURGBP,GBPUSD,USDJPY,AUDUSD'];
  const made = await stage.widemerge('sample', '--out', join(stage.folder, 'checkpoints'), ...samples, ...pairs);
  assert.equal(made.code, 0, made.stderr);
  await stage.worker.start();
});
after(async () => {
  await stage[Symbol.asyncDispose]();
  await reads.stop();
  await proxy.stop();
  await emulator.stop();
});

async function configure(
  name: string,
  backends: BackendName[],
  pairs: string[],
  bigquery: Partial<NonNullable<RunConfig['bigquery']>> = {},
): Promise<RunConfig> {
  const output = join(stage.folder, `merged-${name}`);
  await mkdir(output);
  return stage.config({
    ...{ name, backends, pairs, output },
    limits: { memoryBytes: 384 * MIB, killAboveBytes: 1024 * MIB, timeoutMs: 120_000, stallMs: 60_000 },
    bigquery: { ...defaultBigquery(), project: `widemerge-${name}`, workerLocation: 'US', ...bigquery },
  });
}

const start = (config: RunConfig) => startRun(stage.client, config, { tuning: { waitFirstMs: 200 } });
const pairsOf = async (name: string) => (await readStatus(stage.client, name)).progress.pairs;
const booksOf = (project: string) => proxy.books().filter(({ projectId }) => projectId === project);
const owedBy = (project: string): number =>
  booksOf(project).reduce((sum, { bytesBilled }) => sum + nanosOf(bytesBilled * (6.25 / 2 ** 40)), 0);
const scansOf = ({ runs }: LedgerView): number => runs.reduce((sum, { kinds }) => sum + kinds.scan, 0);

test('when memory fails here, the pair finishes on BigQuery, and the route says why and for how much', async () => {
  const config = await configure('first', ['duckdb', 'bigquery'], ['EURGBP']);
  const { handle } = await start(config);
  assert.deepEqual((await handle.result()).merged, ['EURGBP']);
  const [pair] = await pairsOf('first');
  assert.equal(pair?.backend, 'bigquery');
  assert.match(pair.routed ?? '', /^duckdb: MemoryExhausted: .*DuckDB ran out of its memory/);
  assert.equal(pair.figures?.bill?.queries, 1);
  assert.ok(pair.figures.bill.nanos >= PAIR_NANOS && pair.figures.bill.nanos === pair.spentNanos);
  await compareWithLocal({ folder: stage.folder, config }, 'EURGBP');
  assert.equal(scansOf(await readLedger(stage.client, 'widemerge-first')), owedBy('widemerge-first'));
});

test('a pivot while a job runs: it is cancelled and charged, and the pair finishes on the other backend', async () => {
  const config = await configure('pivot', ['bigquery', 'local'], ['GBPUSD']);
  // The first is the dry run.
  const slow = { fault: 'slow', polls: 1e6 } as const;
  proxy.planFaults({ planned: [{ on: 'insert', of: 'POST /bigquery', after: 1, fault: slow }] });
  const { handle } = await start(config);
  await until('its query runs', () =>
    booksOf('widemerge-pivot').some(({ kind, state }) => kind === 'query' && state === 'RUNNING'),
  );
  await signalPivot(stage.client, 'pivot', { backend: 'local', pair: 'GBPUSD', now: true });
  assert.deepEqual((await handle.result()).merged, ['GBPUSD']);
  proxy.planFaults({});
  const [pair] = await pairsOf('pivot');
  assert.equal(pair?.backend, 'local');
  const queries = booksOf('widemerge-pivot').filter(({ kind }) => kind === 'query');
  assert.deepEqual(
    queries.map(({ state, reason, bytesBilled }) => [state, reason, bytesBilled > 0]),
    [['DONE', 'stopped', true]],
  );
  const ledger = await readLedger(stage.client, 'widemerge-pivot');
  assert.equal(scansOf(ledger), owedBy('widemerge-pivot'));
  assert.deepEqual(ledger.open, []);
});

test('pairs side by side cannot overspend the budget; raised, and retried, they go on with what is there', async () => {
  const project = 'widemerge-budget-end';
  const pairs = ['AUDUSD', 'EURGBP', 'GBPUSD', 'USDJPY'];
  const budgetDollars = (2.5 * PAIR_NANOS) / 1e9;
  const config = await configure('budget-end', ['bigquery'], pairs, { budgetDollars });
  const { handle } = await start(config);
  const result = await handle.result();
  assert.equal(result.merged.length, 2);
  assert.deepEqual([...new Set(result.setAside.map(({ failure }) => failure))], ['BudgetExceeded']);
  assert.match(
    result.setAside[0]!.reason,
    /raise it with: widemerge budget .* --raise AMOUNT, then: widemerge retry budget-end/,
  );
  const before = await readLedger(stage.client, project);
  assert.ok(owedBy(project) <= budgetDollars * 1e9 && scansOf(before) === owedBy(project));

  await raiseBudget(stage.client, project, { toNanos: 10 * PAIR_NANOS });
  for (const { pair } of result.setAside) {
    await signalRetry(stage.client, 'budget-end', { pair });
    const again = (await stage.client.workflow.getHandle('widemerge/budget-end').result()) as typeof result;
    assert.deepEqual(again.merged, [pair]);
  }
  assert.equal(booksOf(project).filter(({ kind, bytesBilled }) => kind === 'query' && bytesBilled > 0).length, 4);
  assert.equal(booksOf(project).filter(({ kind }) => kind === 'load').length, 4 * (FILES + 1), 'nothing is sent twice');
  assert.equal(scansOf(await readLedger(stage.client, project)), owedBy(project));
});
