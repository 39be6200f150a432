/** The stock `temporal` command line alone operates the pipeline: no client of ours is needed. */
import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { startRun } from '../../src/client/start-run.ts';
import type { RunProgress } from '../../src/payloads.ts';
import { Stage, until } from './stage.ts';

let stage: Stage;
before(async () => {
  stage = await Stage.open();
  const samples = ['--pairs', 'EURGBP,USDJPY,GBPUSD', '--files', '8', '--columns', '10', '--rows', '6000'];
  const made = await stage.widemerge(
    'sample',
    '--out',
    join(stage.folder, 'checkpoints'),
    ...samples,
    '--misaligned',
    '50',
  );
  assert.equal(made.code, 0, made.stderr);
  await stage.worker.start();
});
after(() => stage[Symbol.asyncDispose]());

const signal = (workflowId: string, name: string, input: unknown): Promise<string> =>
  stage.temporal('workflow', 'signal', '--workflow-id', workflowId, '--name', name, '--input', JSON.stringify(input));

async function progress(workflowId: string): Promise<RunProgress> {
  const printed = await stage.temporal(
    'workflow',
    'query',
    '--workflow-id',
    workflowId,
    '--type',
    'progress',
    '-o',
    'json',
  );
  return (JSON.parse(printed) as { queryResult: [RunProgress] }).queryResult[0];
}

test('pause, pivot and resume by the stock command line', async () => {
  const id = 'widemerge/stock';
  const { handle } = await startRun(stage.client, stage.config({ name: 'stock', backends: ['local', 'duckdb'] }));
  await signal(id, 'pause', {});
  await until('the run is paused', async () => (await progress(id)).state === 'paused');

  await signal(id, 'pivotBackend', { backend: 'duckdb', pair: 'USDJPY' });
  await signal(id, 'pivotBackend', { backend: 'abacus' });
  await signal(id, 'skipPair', { pair: 'XXXYYY' });
  const notes = await until('both nonsense messages are noted', async () => {
    const found = (await progress(id)).notes.join('\n');
    return /abacus/.test(found) && /XXXYYY/.test(found) ? found : null;
  });
  assert.match(notes, /abacus/);

  await signal(id, 'resume', {});
  const result = await handle.result();
  assert.deepEqual(result.merged.toSorted(), ['EURGBP', 'GBPUSD', 'USDJPY']);
  assert.equal((await progress(id)).pairs.find(({ pair }) => pair === 'USDJPY')?.backend, 'duckdb');
  assert.deepEqual(
    (await readdir(join(stage.folder, 'merged'))).filter((name) => name.endsWith('.parquet')).toSorted(),
    ['EURGBP.parquet', 'GBPUSD.parquet', 'USDJPY.parquet'],
  );
});

test('a schedule that is triggered during a manual run is skipped, and afterwards finds nothing to do', async () => {
  const file = join(stage.folder, 'nightly.yaml');
  await writeFile(
    file,
    "name: nightly\nroot: checkpoints\noutput: merged\npairs: '*'\nkey: interval_time\nbackends: [local]\nhealth: {minFreeMemory: 1MiB, maxSwapUsed: 100%, minFreeDisk: 1MiB}\n",
  );
  const created = await stage.widemerge('schedule', 'create', file, '--cron', '0 3 * * *');
  assert.equal(created.code, 0, created.stderr);
  const started = await stage.widemerge('run', file, '--detach');
  assert.equal(started.code, 0, started.stderr);
  await signal('widemerge/nightly', 'pause', {});
  await until('the manual run is paused', async () => (await progress('widemerge/nightly')).state === 'paused');

  const trigger = (): Promise<string> =>
    stage.temporal('schedule', 'trigger', '--schedule-id', 'widemerge/nightly', '--overlap-policy', 'Skip');
  await trigger();
  const skipped = await until('the scheduled start has ended', () => scheduledResult(1));
  assert.equal(skipped.started, false);
  assert.match(String(skipped.reason), /skipped|is on|running/);

  await signal('widemerge/nightly', 'resume', {});
  await stage.client.workflow.getHandle('widemerge/nightly').result();
  await trigger();
  const second = await until('the second scheduled start has ended', () => scheduledResult(2));
  assert.equal(second.started, true);
  const result = (await stage.client.workflow.getHandle('widemerge/nightly').result()) as { nothingToDo: boolean };
  assert.equal(result.nothingToDo, true);
});

/** Result of the `count`th scheduled start, once it has closed. */
async function scheduledResult(count: number): Promise<{ started: boolean; reason: string | null } | null> {
  const closed = [];
  for await (const execution of stage.client.workflow.list({ query: "WorkflowType = 'scheduledStart'" }))
    if (execution.status.name === 'COMPLETED') closed.push(execution);
  if (closed.length < count) return null;
  const latest = closed.toSorted((a, b) => Number(b.startTime) - Number(a.startTime))[0]!;
  return (await stage.client.workflow.getHandle(latest.workflowId, latest.runId).result()) as {
    started: boolean;
    reason: string | null;
  };
}
