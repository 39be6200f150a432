/**
 * Records histories that the replay test replays: `node test/workflows/record-history.ts run|budget|safeguards`. To be run again only
 * when the workflows are meant to change in a way that open runs cannot follow.
 */
import { configDigest } from '../../src/client/digest.ts';
import * as signals from '../../src/client/signals.ts';
import { startRun } from '../../src/client/start-run.ts';
import type { PairProgress, RunProgress } from '../../src/payloads.ts';
import { FakeMachine, fails, gate, hangs, healthy } from './support/fake-machine.ts';
import { writeHistory } from './support/history-file.ts';
import { TestTemporal, until } from './support/temporal.ts';

const suffix = '-recorded';
const temporal = await TestTemporal.start();
const machine = new FakeMachine();
machine.journal = () => ({
  lost: () => Promise.resolve([]),
  begin: () => Promise.resolve({ sample: () => undefined, end: () => Promise.resolve() }),
});
const workers = temporal.workers({ suffix, dependencies: machine.dependencies });
await workers.started;
const { client } = temporal;

try {
  switch (process.argv[2]) {
    case 'run':
      await runAndRecord();
      break;
    case 'budget':
      await recordBudget();
      break;
    case 'safeguards':
      await recordSafeguards();
      break;
    default:
      throw new Error('which ones? run, budget or safeguards');
  }
} finally {
  await workers.stop();
  await temporal.stop();
  await machine.remove();
}

async function runAndRecord(): Promise<void> {
  const verify = gate();
  machine.healthReports.push(healthy(['1 GiB of disk is free, 2 GiB are needed']));
  machine.script('merge EURUSD', fails('MachineBusy'), fails('MemoryExhausted'));
  machine.script('verify EURUSD', verify.act);
  machine.script('discover GBPUSD', fails('CheckpointInvalid'));
  machine.script('merge USDJPY', hangs, hangs);
  const pairs = ['EURUSD', 'GBPUSD', 'USDJPY', 'AUDUSD'];
  const config = machine.config('recorded', pairs, { root: '/data/fx', output: '/data/merged', clean: 'delete' });
  const { handle, runId } = await startRun(client, config, {
    taskQueueSuffix: suffix,
    tuning: { waitFirstMs: 100, pairsPerRun: 3 },
  });

  await until(() => machine.calls.includes('verify EURUSD'));
  await signals.signalPause(client, 'recorded');
  await signals.signalSkip(client, 'recorded', { pair: 'NOPAIR' });
  verify.open();
  await pairIs('EURUSD', 'paused');
  await signals.signalResume(client, 'recorded');
  await until(() => machine.calls.includes('merge USDJPY local'));
  await signals.signalPause(client, 'recorded', { now: true });
  await pairIs('USDJPY', 'paused');
  await signals.signalRetry(client, 'recorded', { pair: 'GBPUSD' });
  await signals.signalResume(client, 'recorded');
  await until(() => machine.calls.filter((call) => call === 'merge USDJPY local').length === 2);
  await signals.signalPivot(client, 'recorded', { backend: 'duckdb', pair: 'USDJPY', now: true });
  await handle.result();

  await record('merge-pairs', handle.workflowId, runId);
  await record('merge-pair-eurusd', 'widemerge/recorded/EURUSD');
  await record('merge-pair-usdjpy', 'widemerge/recorded/USDJPY');

  await client.workflow.execute('scheduledStart', {
    workflowId: 'widemerge-schedule/recorded',
    taskQueue: `widemerge${suffix}`,
    args: [{ config, configDigest: configDigest(config) }],
  });
  await record('scheduled-start', 'widemerge-schedule/recorded');
  await handle.client.getHandle(handle.workflowId).result();
}

/** A machine that is unhealthy, notifications, and a canary that is answered by a pivot and by an approval. */
async function recordSafeguards(): Promise<void> {
  const name = 'guarded';
  machine.healthReports.push(healthy(['swap 90 % used, at most 50 % wanted']));
  machine.script('merge EURUSD', fails('MergeStalled'));
  machine.script('discover GBPUSD', fails('CheckpointInvalid'));
  const { handle, runId } = await startRun(
    client,
    machine.config(name, ['EURUSD', 'GBPUSD', 'USDJPY', 'AUDUSD'], {
      ...{ root: '/data/fx', output: '/data/merged', canary: 'approve' },
      notify: { command: ['/bin/sh', '-c', 'cat > /dev/null'], timeoutMs: 10_000 },
    }),
    { taskQueueSuffix: suffix, tuning: { waitFirstMs: 100, pairsPerRun: 3 } },
  );
  const asksFor = (pair: string) =>
    until(async () => {
      const { state, canary } = await client.workflow.getHandle(handle.workflowId).query<RunProgress>('progress');
      return state === 'awaitingApproval' && canary?.pair === pair;
    });
  await asksFor('EURUSD');
  await signals.signalPivot(client, name, { backend: 'duckdb' });
  await asksFor('USDJPY');
  await signals.signalApprove(client, name);
  await client.workflow.getHandle(handle.workflowId).result();
  await record('merge-pairs-guarded', handle.workflowId, runId);
  await record('merge-pair-guarded', `widemerge/${name}/EURUSD`);
}

/** The books over a continue-as-new: the part after it has a ledger to restore. */
async function recordBudget(): Promise<void> {
  const line = { run: 'recorded', pair: 'EURUSD', step: 'merge', kind: 'scan' };
  const budget = { runNanos: 10e9, monthNanos: 10e9 };
  const handle = await client.workflow.start('budget', {
    workflowId: 'widemerge/budget/recorded',
    taskQueue: `widemerge${suffix}`,
    args: [{ project: 'recorded', updatesPerRun: 4 }],
  });
  const say = (message: string, request: object) =>
    handle.client.getHandle(handle.workflowId).executeUpdate(message, { args: [request] });
  for (const jobId of ['a', 'b', 'c']) {
    await say('reserve', { ...line, jobId, nanos: 4e9, budget });
    await say('settle', { ...line, jobId, nanos: 3e9 });
  }
  await say('raise', { toNanos: 20e9 });
  await until(
    async () => (await handle.client.getHandle(handle.workflowId).describe()).runId !== handle.firstExecutionRunId,
  );
  await record('budget', handle.workflowId, handle.firstExecutionRunId);
  await record('budget-carried', handle.workflowId);
  await handle.client.getHandle(handle.workflowId).terminate();
}

async function record(file: string, workflowId: string, runId?: string): Promise<void> {
  await writeHistory(file, workflowId, await client.workflow.getHandle(workflowId, runId).fetchHistory());
}

function pairIs(pair: string, state: string): Promise<boolean> {
  return until(async () => {
    const progress = await client.workflow.getHandle(`widemerge/recorded/${pair}`).query<PairProgress>('progress');
    return progress.state === state;
  });
}
