import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, suite, test } from 'node:test';
import { readStatus } from '../../src/client/read-status.ts';
import { deliver } from '../../src/client/run-pairs.ts';
import * as signals from '../../src/client/signals.ts';
import { startRun } from '../../src/client/start-run.ts';
import type { CanaryMode } from '../../src/contract.ts';
import type { MergeFigures, PairProgress, RunProgress } from '../../src/payloads.ts';
import { Canary, canaryLine } from '../../src/workflows/canary.ts';
import { pristine } from '../../src/workflows/pair-entry.ts';
import { FakeMachine, fails, FIGURES, gate } from './support/fake-machine.ts';
import type { TestWorkers } from './support/temporal.ts';
import { TestTemporal, until } from './support/temporal.ts';

const GIB = 2 ** 30;

suite('the canary, judged', () => {
  const merged = (figures: Partial<MergeFigures>): PairProgress => ({
    ...pristine('A'),
    ...{ state: 'merged', backend: 'local', figures: { ...FIGURES, ...figures } },
  });
  const decision = (canary: CanaryMode, figures: Partial<MergeFigures>, pairsLeft = 1): string | undefined => {
    const own = new Canary({ canary });
    own.hear(merged(figures), 4 * GIB, pairsLeft);
    return own.report?.decision;
  };

  test('auto asks near the limit, and far above the prediction, and only then', () => {
    assert.equal(decision('auto', { peakBytes: 3 * GIB }), 'passed');
    assert.equal(decision('auto', { peakBytes: 3.7 * GIB }), 'awaiting');
    assert.equal(decision('auto', { peakBytes: 0.95 * GIB, limitBytes: GIB }), 'awaiting', 'a smaller machine');
    assert.equal(decision('auto', { peakBytes: 2 * GIB, predictedBytes: GIB }), 'passed');
    assert.equal(decision('auto', { peakBytes: 2.1 * GIB, predictedBytes: GIB }), 'awaiting');
    assert.equal(decision('auto', { peakBytes: GIB / 5, predictedBytes: GIB / 20 }), 'passed', 'too small to matter');
    assert.equal(decision('auto', { peakBytes: 3.7 * GIB }, 0), 'passed', 'no other pair waits for it');
  });

  test('far above a prediction of nothing: it asks, without a ratio', () => {
    const own = new Canary({ canary: 'auto' });
    own.hear(merged({ peakBytes: GIB, predictedBytes: 0 }), 4 * GIB, 1);
    assert.equal(own.report?.decision, 'awaiting');
    assert.equal(own.report.why, 'its peak is 1.00 GiB, and none was predicted');
  });

  test('approve asks in any case; off never; what was merged before is no canary', () => {
    assert.equal(decision('approve', { peakBytes: 1 }), 'awaiting');
    assert.equal(decision('off', { peakBytes: 4 * GIB }), undefined);
    assert.equal(decision('approve', { alreadyMerged: true }), undefined);
  });

  test('it goes alone until it is measured', () => {
    const own = new Canary({ canary: 'auto' });
    assert.deepEqual([own.holdsBack(0), own.holdsBack(1)], [false, true]);
    own.hear({ ...pristine('A'), state: 'setAside' }, GIB, 2);
    assert.equal(own.holdsBack(1), true, 'the next one is the canary');
    own.hear(merged({}), GIB, 2);
    assert.equal(own.holdsBack(1), false);
    assert.equal(new Canary({}).holdsBack(3), false, 'a run that began before there was one');
  });

  test('all figures stand in one line', () => {
    const own = new Canary({ canary: 'auto' });
    own.hear(merged({ peakBytes: 3.8 * GIB, predictedBytes: GIB, wallMs: 12_300, bytesOut: 1.2 * GIB }), 4 * GIB, 1);
    assert.equal(
      canaryLine(own.report!),
      'canary A (local): peak 3.80 GiB of 4.00 GiB, predicted 1.00 GiB, 12.3 s, 1.20 GiB on disk; its peak is 95 % of the limit',
    );
  });
});

let temporal: TestTemporal;
let machine: FakeMachine;
let workers: TestWorkers;
let number = 0;
let name = '';

suite('the canary on the embedded server', { timeout: 120_000 }, () => {
  before(async () => {
    temporal = await TestTemporal.start();
  });
  after(() => temporal.stop());
  beforeEach(async () => {
    name = `canary${number++}`;
    machine = new FakeMachine();
    workers = temporal.workers({ suffix: `-${name}`, dependencies: machine.dependencies });
    await workers.started;
  });
  afterEach(async () => {
    await workers.stop();
    await machine.remove();
  });

  const start = (pairs: string[], canary: CanaryMode, pairsPerRun = 100) =>
    startRun(temporal.client, machine.config(name, pairs, { canary }), {
      ...{ taskQueueSuffix: `-${name}`, tuning: { waitFirstMs: 50, pairsPerRun } },
    });
  const progress = async (): Promise<RunProgress> => (await readStatus(temporal.client, name)).progress;
  const awaiting = () =>
    until(async () => {
      const now = await progress();
      return now.state === 'awaitingApproval' && now;
    });
  const merges = (): string[] => machine.calls.filter((call) => call.startsWith('merge'));
  const approve = () =>
    deliver(temporal.client, name, 'approve', {}, () => signals.signalApprove(temporal.client, name));

  test('auto: a peak near the limit holds the others back until the stock signal; figures everywhere', async () => {
    machine.script('discover BADBAD', fails('CheckpointInvalid'));
    machine.peaks.set('EURUSD', 0.95 * GIB);
    await start(['BADBAD', 'EURUSD', 'USDJPY', 'GBPUSD'], 'auto', 2);
    const now = await awaiting();
    assert.deepEqual(merges(), ['merge EURUSD local']);
    const { pair, decision, peakBytes, limitBytes, why } = now.canary!;
    assert.deepEqual([pair, decision, peakBytes, limitBytes], ['EURUSD', 'awaiting', 0.95 * GIB, GIB]);
    assert.equal(why, 'its peak is 95 % of the limit');
    assert.ok(now.canary!.predictedBytes! > 50 * 2 ** 20, 'the plan predicts it');
    assert.match(now.notes[0]!, /canary EURUSD .* on disk; .*widemerge approve canary\d$/);

    const { memo } = await temporal.client.workflow.getHandle(`widemerge/${name}`).describe();
    const summary = memo?.summary as { state: string; canary: { peakBytes: number } };
    assert.deepEqual([summary.state, summary.canary.peakBytes], ['awaitingApproval', 0.95 * GIB]);

    await workers.stop();
    const server = await readStatus(temporal.client, name);
    assert.deepEqual(
      [server.source, server.progress.state, server.progress.canary?.pair],
      ['server', 'awaitingApproval', 'EURUSD'],
    );
    workers = temporal.workers({ suffix: `-${name}`, dependencies: machine.dependencies });
    await workers.started;
    await temporal.client.workflow.getHandle(`widemerge/${name}`).signal('approve');
    const { merged } = (await temporal.client.workflow.getHandle(`widemerge/${name}`).result()) as { merged: string[] };
    assert.deepEqual(merged, ['EURUSD', 'USDJPY', 'GBPUSD']);
    assert.equal((await progress()).canary?.decision, 'approved', 'carried into the next part of the run');
  });

  test('auto: what fits goes on by itself, and an approval that nobody waits for is refused', async () => {
    const merge = gate();
    machine.script('merge USDJPY', merge.act);
    const { handle } = await start(['EURUSD', 'USDJPY'], 'auto');
    await until(() => machine.calls.includes('merge USDJPY local'));
    await assert.rejects(approve(), /refuses this: nothing awaits approval/);
    merge.open();
    assert.deepEqual((await handle.result()).merged, ['EURUSD', 'USDJPY']);
    assert.equal((await progress()).canary?.decision, 'passed');
  });

  test('approve: asks after the first merged pair; a pivot is an answer, too, and its first pair is asked about again', async () => {
    const { handle } = await start(['EURUSD', 'USDJPY', 'GBPUSD'], 'approve');
    await awaiting();
    await signals.signalPivot(temporal.client, name, { backend: 'duckdb' });
    const now = await until(async () => {
      const { state, canary } = await progress();
      return state === 'awaitingApproval' && canary?.pair === 'USDJPY' && canary;
    });
    assert.equal(now.backend, 'duckdb');
    assert.deepEqual(merges(), ['merge EURUSD local', 'merge USDJPY duckdb']);
    assert.deepEqual((await approve()).confirmed, true);
    assert.deepEqual((await handle.result()).merged, ['EURUSD', 'USDJPY', 'GBPUSD']);
  });

  test('approve: skipping what is left ends the run', async () => {
    const { handle } = await start(['EURUSD', 'USDJPY'], 'approve');
    await awaiting();
    await signals.signalSkip(temporal.client, name, { pair: 'USDJPY' });
    assert.deepEqual((await handle.result()).skipped, ['USDJPY']);
  });
});
