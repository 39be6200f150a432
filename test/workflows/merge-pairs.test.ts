import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, suite, test } from 'node:test';
import { readStatus } from '../../src/client/read-status.ts';
import * as signals from '../../src/client/signals.ts';
import { startRun } from '../../src/client/start-run.ts';
import { defaultBigquery } from '../../src/config/load.ts';
import type { PairState } from '../../src/contract.ts';
import type { PairProgress, RunConfig, RunProgress } from '../../src/payloads.ts';
import { openJournal } from '../../src/backends/journal.ts';
import { FakeMachine, fails, gate, hangs, healthy } from './support/fake-machine.ts';
import { loseAttempt } from './support/lost-attempt.ts';
import type { TestWorkers } from './support/temporal.ts';
import { TestTemporal, until } from './support/temporal.ts';

let temporal: TestTemporal;
let machine: FakeMachine;
let workers: TestWorkers;
let number = 0;
let name = '';
const tuning = { waitFirstMs: 100, waitMaxMs: 400 };

suite('mergePairs on the embedded server', { timeout: 120_000 }, () => {
  before(async () => {
    temporal = await TestTemporal.start();
  });
  after(() => temporal.stop());
  beforeEach(async () => {
    name = `run${number++}`;
    machine = new FakeMachine();
    workers = temporal.workers({ suffix: `-${name}`, dependencies: machine.dependencies });
    await workers.started;
  });
  afterEach(async () => {
    await workers.stop();
    await machine.remove();
  });

  const start = (pairs: RunConfig['pairs'], changes: Partial<RunConfig> = {}) =>
    startRun(temporal.client, machine.config(name, pairs, changes), { taskQueueSuffix: `-${name}`, tuning });
  const progress = async (): Promise<RunProgress> => (await readStatus(temporal.client, name)).progress;
  const pairOf = async (pair: string): Promise<PairProgress> =>
    (await progress()).pairs.find((entry) => entry.pair === pair)!;
  const reaches = (pair: string, state: PairState) =>
    until(async () => {
      const found = await pairOf(pair);
      return found.state === state && found;
    });

  test('merges every pair in order, and says so everywhere', async () => {
    const { handle } = await start(['EURUSD', 'USDJPY'], { clean: 'delete' });
    const result = await handle.result();
    assert.deepEqual(result, { name, merged: ['EURUSD', 'USDJPY'], setAside: [], skipped: [], nothingToDo: false });
    assert.deepEqual(machine.calls, [
      ...['discover EURUSD', 'merge EURUSD local', 'verify EURUSD', 'publish EURUSD', 'clean EURUSD'],
      ...['discover USDJPY', 'merge USDJPY local', 'verify USDJPY', 'publish USDJPY', 'clean USDJPY'],
    ]);
    const status = await readStatus(temporal.client, name);
    assert.equal(status.source, 'workflow');
    assert.equal(status.progress.state, 'done');
    assert.equal(status.progress.pairs[0]!.figures?.columns, 7);
    assert.equal(status.progress.pairs[0]!.figures.wallMs, 15, 'merge, verify and publish together');

    const found = await until(async () => {
      const query = `MergePair = 'EURUSD' AND MergeState = 'merged' AND MergeBackend = 'local'`;
      const ids = [];
      for await (const { workflowId } of temporal.client.workflow.list({ query })) ids.push(workflowId);
      return ids.includes(`widemerge/${name}/EURUSD`) && ids;
    });
    assert.ok(found);
  });

  test('memory goes to the next backend; a pair without one left is set aside, and the others go on', async () => {
    machine.script('merge EURUSD', fails('MemoryExhausted', 'killed above 1 GiB'));
    machine.script('merge USDJPY', fails('MemoryExhausted', 'too wide'), fails('BackendUnavailable', 'not here'));
    machine.script('discover GBPUSD', fails('CheckpointInvalid', 'a.parquet is truncated'));
    const { handle } = await start(['EURUSD', 'USDJPY', 'GBPUSD', 'AUDUSD']);
    const result = await handle.result();
    assert.deepEqual(result.merged, ['EURUSD', 'AUDUSD']);
    assert.deepEqual(result.setAside, [
      {
        pair: 'USDJPY',
        failure: 'BackendUnavailable',
        reason: 'local: MemoryExhausted: too wide; then duckdb: BackendUnavailable: not here',
      },
      { pair: 'GBPUSD', failure: 'CheckpointInvalid', reason: 'a.parquet is truncated' },
    ]);
    assert.equal((await pairOf('EURUSD')).backend, 'duckdb');
  });

  test('Killed is retried on the same backend; a bug is tried three times in all', async () => {
    machine.script('merge EURUSD', fails('Killed'), fails('Killed'));
    machine.script('merge USDJPY', ...Array.from({ length: 9 }, () => fails('CommandFailed')));
    const result = await (await start(['EURUSD', 'USDJPY'])).handle.result();
    assert.deepEqual(result.merged, ['EURUSD']);
    const merges = machine.calls.filter((call) => call.startsWith('merge'));
    assert.deepEqual(merges, [
      ...Array.from({ length: 3 }, () => 'merge EURUSD local'),
      ...Array.from({ length: 3 }, () => 'merge USDJPY local'),
    ]);
    assert.match(result.setAside[0]!.reason, /made up CommandFailed \(3 times\)/);
  });

  test('waits for the machine with the reason shown, as long as it takes', async () => {
    machine.healthReports.push(healthy(['1 GiB of disk is free, 2 GiB are needed']), healthy(['still short']));
    machine.script('merge EURUSD', fails('MachineBusy', 'held by pid 7'), fails('DiskFull'), fails('MachineBusy'));
    const { handle } = await start(['EURUSD']);
    const waiting = await reaches('EURUSD', 'gated');
    assert.match(waiting.reason ?? 'HostUnhealthy', /HostUnhealthy|MachineBusy|DiskFull/);
    assert.deepEqual((await handle.result()).merged, ['EURUSD']);
    assert.equal(machine.calls.filter((call) => call === 'merge EURUSD local').length, 4);
  });

  test('pause lets the running step end, and holds there until resume', async () => {
    const verify = gate();
    machine.script('verify EURUSD', verify.act);
    const { handle } = await start(['EURUSD', 'USDJPY']);
    await until(() => machine.calls.includes('verify EURUSD'));
    await signals.signalPause(temporal.client, name);
    await until(async () => (await progress()).state === 'paused');
    verify.open();
    const paused = await reaches('EURUSD', 'paused');
    assert.match(paused.reason!, /before publishing/);
    assert.ok(!machine.calls.includes('publish EURUSD'));
    await signals.signalResume(temporal.client, name);
    assert.deepEqual((await handle.result()).merged, ['EURUSD', 'USDJPY']);
    assert.equal(machine.calls.filter((call) => call === 'merge EURUSD local').length, 1, 'nothing is done twice');
  });

  test('pause now stops the step; the pause survives a new worker; resume runs the step again', async () => {
    machine.script('merge EURUSD', hangs);
    const { handle } = await start(['EURUSD']);
    const live = await until(async () => {
      const [activity] = (await readStatus(temporal.client, name)).live;
      return activity?.heartbeat?.filesDone === 1 && activity;
    });
    assert.equal(live.heartbeat!.memoryBytes, 123_456);
    assert.equal(live.activity, 'mergeFiles');
    await signals.signalPause(temporal.client, name, { now: true });
    await reaches('EURUSD', 'paused');
    await workers.stop();
    workers = temporal.workers({ suffix: `-${name}`, dependencies: machine.dependencies });
    await workers.started;
    assert.equal((await pairOf('EURUSD')).state, 'paused');
    assert.equal((await progress()).state, 'paused');
    await signals.signalResume(temporal.client, name);
    assert.deepEqual((await handle.result()).merged, ['EURUSD']);
    assert.equal(machine.calls.filter((call) => call === 'merge EURUSD local').length, 2);
  });

  test('pivot now goes on with the new backend at once; skip stops the pair; the rest is merged', async () => {
    machine.script('merge EURUSD', hangs);
    machine.script('merge USDJPY', hangs);
    const bigquery = { ...defaultBigquery(), project: 'test' };
    const { handle } = await start(['EURUSD', 'USDJPY', 'GBPUSD', 'AUDUSD'], { bigquery });
    await until(() => machine.calls.includes('merge EURUSD local'));
    await signals.signalSkip(temporal.client, name, { pair: 'GBPUSD' });
    await signals.signalPivot(temporal.client, name, { backend: 'bigquery', pair: 'AUDUSD' });
    await signals.signalPivot(temporal.client, name, { backend: 'duckdb', pair: 'EURUSD', now: true });
    await until(() => machine.calls.includes('merge USDJPY local'));
    await signals.signalSkip(temporal.client, name, { pair: 'USDJPY' });
    const result = await handle.result();
    assert.deepEqual(result.merged, ['EURUSD', 'AUDUSD']);
    assert.deepEqual(result.skipped, ['USDJPY', 'GBPUSD']);
    const merges = machine.calls.filter((call) => /^(merge|query) /.test(call));
    assert.deepEqual(merges, [...['merge EURUSD local', 'merge EURUSD duckdb', 'merge USDJPY local', 'query AUDUSD']]);
  });

  test('while BigQuery is away a pair waits for it, says so, and goes on by itself; by another policy it goes on here', async () => {
    const away = fails('BackendUnavailable', 'nobody answers');
    const bigquery = { ...defaultBigquery(), project: 'test' };
    for (const [whenUnavailable, backend, stages] of [
      ['wait', 'bigquery', 3],
      ['nextBackend', 'local', 1],
    ] as const) {
      machine.script('stage EURUSD', ...Array.from({ length: stages === 3 ? 2 : 1 }, () => away));
      const before = machine.calls.length;
      const changes = { bigquery: { ...bigquery, whenUnavailable }, backends: ['bigquery', 'local'] } as const;
      const { handle } = await start(['EURUSD'], { ...changes, backends: [...changes.backends] });
      assert.deepEqual((await handle.result()).merged, ['EURUSD']);
      assert.equal((await pairOf('EURUSD')).backend, backend);
      const made = machine.calls.slice(before).filter((call) => call === 'stage EURUSD');
      assert.equal(made.length, stages);
      const isSaid = (await progress()).notes.some((note) => note.includes('BigQuery is unavailable: EURUSD waits'));
      assert.equal(isSaid, whenUnavailable === 'wait');
    }
  });

  test('tables that stay are the end of a pair, and of its next run; beside a file they come before it', async () => {
    const bigquery = { ...defaultBigquery(), project: 'demo', output: 'tables' as const, outputDataset: 'kept' };
    const first = await start(['EURUSD'], { backends: ['bigquery'], bigquery });
    assert.deepEqual((await first.handle.result()).merged, ['EURUSD']);
    assert.deepEqual(machine.calls.splice(0), [
      ...['discover EURUSD', 'prepare EURUSD', 'find EURUSD', 'stage EURUSD', 'query EURUSD', 'leave EURUSD'],
      ...['end EURUSD', 'tidy EURUSD'],
    ]);
    const left = await pairOf('EURUSD');
    assert.equal(left.reason, 'left in demo.kept: EURUSD_1');
    const { verified, tables, bytesOut, bill } = left.figures!;
    assert.deepEqual([verified, tables, bytesOut], ['none', 'demo.kept: EURUSD_1', 60]);
    assert.deepEqual([bill?.queries, bill?.bytesBilled, bill?.bytesRead], [2, 50, 0]);

    const again = await start(['EURUSD'], { backends: ['bigquery'], bigquery });
    assert.equal((await again.handle.result()).nothingToDo, true);
    assert.deepEqual(machine.calls.splice(0), ['discover EURUSD', 'prepare EURUSD', 'find EURUSD']);
    assert.equal((await pairOf('EURUSD')).reason, 'left in demo.kept: EURUSD_1');

    const both = { ...bigquery, output: 'both' as const };
    await (await start(['USDJPY'], { backends: ['bigquery'], bigquery: both })).handle.result();
    assert.deepEqual(machine.calls.splice(0).slice(3), [
      ...['stage USDJPY', 'query USDJPY', 'fetch USDJPY', 'verify USDJPY', 'leave USDJPY', 'publish USDJPY'],
      ...['end USDJPY', 'tidy USDJPY'],
    ]);
    assert.equal((await pairOf('USDJPY')).figures?.tables, 'demo.kept: USDJPY_1');
  });

  test('tables of other checkpoints set the pair aside before anything is sent', async () => {
    const bigquery = { ...defaultBigquery(), project: 'demo', output: 'tables' as const };
    machine.script('find EURUSD', fails('OutputExists', 'demo.kept.EURUSD_manifest'));
    const { handle } = await start(['EURUSD', 'USDJPY'], { backends: ['bigquery'], bigquery });
    const { merged, setAside } = await handle.result();
    assert.deepEqual([merged, setAside.map(({ failure }) => failure)], [['USDJPY'], ['OutputExists']]);
    assert.ok(!machine.calls.includes('stage EURUSD'));
  });

  test('what BigQuery has cost is told once, however often its steps are done again', async () => {
    machine.script('fetch EURUSD', fails('MachineBusy'), fails('DiskFull'));
    const bigquery = { ...defaultBigquery(), project: 'test' };
    const config = machine.config(name, ['EURUSD'], { bigquery, backends: ['bigquery'] });
    const options = { taskQueueSuffix: `-${name}`, tuning: { ...tuning, waitsPerRun: 1 } };
    const { handle } = await startRun(temporal.client, config, options);
    assert.deepEqual((await handle.result()).merged, ['EURUSD']);
    assert.equal(machine.calls.filter((call) => call === 'query EURUSD').length, 3);
    assert.equal(machine.calls.filter((call) => call === 'discover EURUSD').length, 2, 'it has continued as new');
    assert.equal((await pairOf('EURUSD')).spentNanos, 300);
  });

  test('a pair that BigQuery cannot take is merged by the next backend, and nothing is sent', async () => {
    const bigquery = { ...defaultBigquery(), project: 'test' };
    machine.script('prepare EURUSD', fails('EngineUnfit', 'a.parquet: its column odd is of fixed length'));
    const { handle } = await start(['EURUSD'], { bigquery, backends: ['bigquery', 'local'] });
    assert.deepEqual((await handle.result()).merged, ['EURUSD']);
    const { backend, routed } = await pairOf('EURUSD');
    assert.deepEqual(
      [backend, routed],
      ['local', 'bigquery: EngineUnfit: a.parquet: its column odd is of fixed length'],
    );
    assert.ok(!machine.calls.includes('stage EURUSD'));
  });

  test('a pair that leaves BigQuery for good ends its jobs; one that is tried there again does not', async () => {
    const bigquery = { ...defaultBigquery(), project: 'test' };
    machine.script('query EURUSD', fails('CommandFailed'), fails('MemoryExhausted'));
    machine.script('query USDJPY', fails('ConfigInvalid'));
    machine.script('stage GBPUSD', fails('ConfigInvalid'));
    const { handle } = await start(['EURUSD', 'USDJPY', 'GBPUSD'], { bigquery, backends: ['bigquery', 'local'] });
    assert.deepEqual((await handle.result()).merged, ['EURUSD']);
    const of = (pair: string) =>
      machine.calls
        .filter((call) => new RegExp(`^(query|end|merge) ${pair}`).test(call))
        .map((call) => call.split(' ')[0]);
    // The last is before its tables are removed.
    assert.deepEqual(of('EURUSD'), ['query', 'query', 'end', 'merge', 'end']);
    assert.deepEqual(of('USDJPY'), ['query', 'end']);
    assert.deepEqual(of('GBPUSD'), []);
  });

  test('a pair that cannot end its jobs on BigQuery is not held up by them', async () => {
    const bigquery = { ...defaultBigquery(), project: 'test' };
    machine.script('query EURUSD', hangs);
    machine.script('end EURUSD', hangs);
    const config = machine.config(name, ['EURUSD'], { bigquery, backends: ['bigquery'] });
    const options = { taskQueueSuffix: `-${name}`, tuning: { ...tuning, endJobsMs: 500 } };
    const { handle } = await startRun(temporal.client, config, options);
    await until(() => machine.calls.includes('query EURUSD'));
    await signals.signalSkip(temporal.client, name, { pair: 'EURUSD' });
    assert.deepEqual((await handle.result()).skipped, ['EURUSD']);
    assert.equal(machine.calls.filter((call) => call.startsWith('end')).length, 1);
  });

  test('messages that nobody can follow are refused with a note, and harm nothing', async () => {
    const merge = gate();
    machine.script('merge EURUSD', merge.act);
    const { handle } = await start(['EURUSD']);
    await until(() => machine.calls.includes('merge EURUSD local'));
    const raw = temporal.client.workflow.getHandle(`widemerge/${name}`);
    await signals.signalPivot(temporal.client, name, { backend: 'spark' });
    await signals.signalSkip(temporal.client, name, { pair: 'XXXYYY' });
    await signals.signalRetry(temporal.client, name, { pair: 'EURUSD' });
    await raw.signal('skipPair');
    await raw.signal('pause', 'what');
    await raw.signal('resume', [1, 2]);
    await raw.signal('puase', {});
    const { notes } = await until(async () => {
      const now = await progress();
      return now.notes.length === 5 && now;
    });
    assert.deepEqual(notes, [
      'refused: pivotBackend: no backend "spark" (there are local, bigquery, duckdb, polars, dask, pandas, command)',
      'refused: skipPair: no pair "XXXYYY" in this run',
      'refused: retryPair: EURUSD is merging: only what was set aside or skipped can be retried',
      'refused: skipPair: it names no pair: null',
      'refused: no message "puase"',
    ]);
    merge.open();
    assert.deepEqual((await handle.result()).merged, ['EURUSD']);
    assert.equal((await progress()).notes.length, 5, 'they are to be read after the end, too');
  });

  test('retry while the run is open, and after it has closed with that pair alone', async () => {
    const merge = gate();
    machine.script('discover EURUSD', fails('OutputExists'), fails('OutputExists'));
    machine.script('merge USDJPY', merge.act);
    const { handle } = await start(['EURUSD', 'USDJPY']);
    await reaches('EURUSD', 'setAside');
    await until(() => machine.calls.includes('merge USDJPY local'));
    const options = { taskQueueSuffix: `-${name}`, tuning };
    assert.deepEqual(await signals.signalRetry(temporal.client, name, { pair: 'EURUSD' }, options), {
      restarted: false,
    });
    await reaches('EURUSD', 'waiting');
    merge.open();
    assert.equal((await handle.result()).setAside[0]!.pair, 'EURUSD');
    assert.equal((await pairOf('EURUSD')).round, 1);

    assert.deepEqual(await signals.signalRetry(temporal.client, name, { pair: 'EURUSD' }, options), {
      restarted: true,
    });
    const result: unknown = await temporal.client.workflow.getHandle(`widemerge/${name}`).result();
    assert.deepEqual(result, { name, merged: ['EURUSD'], setAside: [], skipped: [], nothingToDo: false });
    assert.equal((await pairOf('EURUSD')).round, 2);
    await assert.rejects(signals.signalRetry(temporal.client, name, { pair: 'NOPAIR' }), /has no pair NOPAIR/);
  });

  test('a run is attached to, and refused with another configuration', async () => {
    machine.script('merge EURUSD', hangs);
    const first = await start(['EURUSD']);
    assert.equal(first.attached, false);
    const second = await start(['EURUSD']);
    assert.deepEqual([second.attached, second.runId], [true, first.runId]);
    await assert.rejects(start(['EURUSD'], { rows: 'intersection' }), /another configuration/);
    await until(() => machine.calls.includes('merge EURUSD local'));
    await signals.cancelRun(temporal.client, name);
    await assert.rejects(first.handle.result(), /cancelled/i);
    await assert.rejects(signals.signalPause(temporal.client, name), /no run .* is open/);
    await assert.rejects(signals.signalPause(temporal.client, 'nobody'), /no run nobody is open/);
    assert.equal((await readStatus(temporal.client, name)).workflowStatus, 'CANCELLED');
  });

  test('attempts that vanish with their process lead to the next backend, as suspected memory', async () => {
    machine.journal = (dir) => {
      const journal = openJournal(dir);
      const lost: typeof journal.lost = async (backend, round) => {
        if (backend === 'local') for (let i = 0; i < 3; i += 1) await loseAttempt(dir, round);
        return journal.lost(backend, round);
      };
      return { ...journal, lost };
    };
    const { handle } = await start(['EURUSD', 'USDJPY'], { backends: ['local', 'duckdb'] });
    const result = await handle.result();
    assert.deepEqual(result.merged, ['EURUSD', 'USDJPY']);
    assert.equal((await pairOf('EURUSD')).backend, 'duckdb');
    assert.ok(!machine.calls.includes('merge EURUSD local'));
    const { events } = await temporal.client.workflow.getHandle(`widemerge/${name}/EURUSD`).fetchHistory();
    const failures = events!.map((event) => event.activityTaskFailedEventAttributes?.failure?.message ?? '');
    assert.match(failures.join(''), /3 attempts by local vanished .*: memory is suspected, not proven/);
  });

  test('a long wait continues as new, and remembers what happened before', async () => {
    const discover = gate();
    machine.script('discover EURUSD', discover.act);
    machine.script('merge EURUSD', fails('MemoryExhausted', 'too wide'), fails('DiskFull'), fails('DiskFull'));
    const config = machine.config(name, ['EURUSD']);
    const options = { taskQueueSuffix: `-${name}`, tuning: { ...tuning, waitsPerRun: 1 } };
    const { handle } = await startRun(temporal.client, config, options);
    await until(() => machine.calls.includes('discover EURUSD'));
    await temporal.client.workflow.getHandle(`widemerge/${name}/EURUSD`).signal('pivotBackend', 'spark');
    discover.open();
    assert.deepEqual((await handle.result()).merged, ['EURUSD']);
    const refused =
      'refused: pivotBackend: no backend "spark" (there are local, bigquery, duckdb, polars, dask, pandas, command)';
    assert.deepEqual((await progress()).notes, [refused]);
    const merges = machine.calls.filter((call) => call.startsWith('merge'));
    assert.deepEqual(merges, ['merge EURUSD local', ...Array.from({ length: 3 }, () => 'merge EURUSD duckdb')]);
    assert.equal(machine.calls.filter((call) => call.startsWith('discover')).length, 2);
  });

  test('a run that was terminated leaves no merge behind, and a new one waits for its end', async () => {
    machine.script('merge EURUSD', hangs);
    await start(['EURUSD']);
    await until(() => machine.calls.includes('merge EURUSD local'));
    await temporal.client.workflow.getHandle(`widemerge/${name}`).terminate('by hand');
    const { handle, attached } = await start(['EURUSD']);
    assert.equal(attached, false);
    assert.deepEqual((await handle.result()).merged, ['EURUSD']);
    assert.match((await progress()).notes[0] ?? '', /waits for the workflow of an earlier run to close/);
  });

  test('a pair whose workflow is ended from outside is set aside', async () => {
    machine.script('merge EURUSD', hangs);
    const { handle } = await start(['EURUSD', 'USDJPY']);
    await until(() => machine.calls.includes('merge EURUSD local'));
    await temporal.client.workflow.getHandle(`widemerge/${name}/EURUSD`).terminate('by hand');
    const result = await handle.result();
    assert.deepEqual(result.merged, ['USDJPY']);
    assert.match(result.setAside[0]!.reason, /its workflow/);
  });

  test('pairs merged before leave nothing to do', async () => {
    machine.mergedBefore('EURUSD');
    const result = await (await start(['EURUSD'])).handle.result();
    assert.deepEqual([result.nothingToDo, result.merged], [true, ['EURUSD']]);
    assert.deepEqual(machine.calls, ['discover EURUSD']);
  });
});
