import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { MergeError, type MergeContext } from '../../src/backends/backend.ts';
import { createBackends } from '../../src/backends/index.ts';
import { runMergeProcess, type MergeProcessResult } from '../../src/backends/merge-process.ts';
import { processBackend } from '../../src/backends/process-backend.ts';
import { takeLocks } from '../../src/guard/lock.ts';
import type { GuardLimits } from '../../src/guard/command.ts';
import type { MergeJob, Progress } from '../../src/merge/job.ts';
import { fixture, LIMITS, MIB, temporaryFolder } from '../guard/helpers.ts';

const CHILD = fixture('merge-child');

function setUp(
  t: TestContext,
  limits: Partial<GuardLimits> = {},
): { folder: string; context: MergeContext; job: (key: string) => MergeJob } {
  const folder = temporaryFolder(t);
  t.after(() => assert.deepEqual(childrenOf(process.pid), []));
  return {
    folder,
    context: { limits: { ...LIMITS, ...limits }, machineLock: join(folder, 'machine.lock') },
    job: (key) => ({
      steps: ['discover', 'merge'],
      source: { dir: '/none', root: null, pattern: '*.parquet', expected: null },
      output: { path: join(folder, 'EUR USD.parquet'), replace: false },
      key,
      rows: 'union',
      reference: null,
      engine: 'stitch',
      verify: 'bytes',
      memoryBytes: 256 * MIB,
    }),
  };
}

/** The merge children that this test process has, zombies too. */
function childrenOf(parent: number): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
        return stat.slice(stat.lastIndexOf(')')).split(' ')[2] === String(parent) ? [stat] : [];
      } catch {
        return [];
      }
    });
}

async function failureOf(running: Promise<unknown>): Promise<MergeError> {
  try {
    await running;
  } catch (error) {
    assert.ok(error instanceof MergeError, String(error));
    assert.equal(error.name, error.facts.type);
    assert.ok(!error.facts.message.includes('\n'));
    return error;
  }
  throw new Error('it did not fail');
}

test('figures, discovery, progress and memory come back', async (t) => {
  const { context, job, folder } = setUp(t);
  const progress: Progress[] = [];
  const samples: number[] = [];
  const result: MergeProcessResult = await runMergeProcess(
    job('merges'),
    { ...context, onProgress: (value) => progress.push(value), onMemory: (bytes) => samples.push(bytes) },
    CHILD,
  );
  assert.equal(result.discovery?.diskBytes, 10);
  assert.equal(result.figures?.rows, 3);
  assert.ok(result.figures.wallMs > 1 && result.figures.wallMs < 3_600_000);
  assert.equal(result.figures.peakBytes, Math.max(...samples));
  assert.deepEqual(progress, [
    { event: 'progress', step: 'merge', filesDone: 1, filesTotal: 2, bytesDone: 5, bytesTotal: 10 },
  ]);
  assert.ok(existsSync(join(folder, '.EUR USD.parquet.widemerge', 'lock')));
});

test('what is prepared comes back, and both locks were held', async (t) => {
  const { context, job, folder } = setUp(t);
  const result = await runMergeProcess({ ...job('prepares'), steps: ['prepare'] }, context, CHILD);
  assert.deepEqual(result, { prepared: { checkpoints: 2, columns: 4, rows: 3, bytes: 12 } });
  assert.ok(existsSync(context.machineLock));
  assert.ok(existsSync(join(folder, '.EUR USD.parquet.widemerge', 'lock')));
});

test('the receipt of a cleaning comes back; it needs no room for a lock of its own, on a full disk', async (t) => {
  const { context, job, folder } = setUp(t);
  const receipt = { mode: 'trash', files: 2, bytes: 10, keptFiles: 0, kept: [], restore: 'mv -n a b' };
  assert.deepEqual(await runMergeProcess({ ...job('cleans'), steps: ['clean'] }, context, CHILD), { receipt });
  assert.deepEqual(readdirSync(folder), ['machine.lock']);
});

test("a failure of the child's own keeps its facts", async (t) => {
  const { context, job } = setUp(t);
  const { facts } = await failureOf(runMergeProcess(job('fails'), context, CHILD));
  const { peakBytes, ...rest } = facts;
  assert.deepEqual(rest, { type: 'CheckpointInvalid', message: 'a.parquet: no key', file: 'a.parquet', column: 'k' });
  assert.ok(peakBytes! > 0);
});

const ENDINGS: [behaviour: string, type: string, message: RegExp][] = [
  ['failsGarbled', 'CommandFailed', /exit code 3/],
  ['throws', 'CommandFailed', /exit code 1\): TypeError: a bug in the engine/],
  ['saysNothing', 'CommandFailed', /ended well but without a result/],
  ['killed', 'Killed', /ended by SIGKILL/],
  ['aborts', 'CommandFailed', /crashed \(SIGABRT\)/],
  ['arrayRefused', 'MemoryExhausted', /ran out of memory: RangeError: Array buffer allocation failed/],
  ['systemRefused', 'MemoryExhausted', /ran out of memory: Error: ENOMEM/],
  ['remembersMemory', 'CommandFailed', /exit code 1\): TypeError: a bug/],
  ['heapExhausted', 'MemoryExhausted', /JavaScript heap out of memory/],
];
for (const [behaviour, type, message] of ENDINGS) {
  test(`a child that ends so: ${behaviour}`, async (t) => {
    const { context, job } = setUp(t);
    const { facts, cause } = await failureOf(runMergeProcess(job(behaviour), context, CHILD));
    assert.equal(facts.type, type);
    assert.match(facts.message, message);
    assert.equal((cause as Error | undefined)?.stack, undefined, 'it would repeat all that the child has said');
  });
}

const LIMITED: [behaviour: string, limits: Partial<GuardLimits>, type: string][] = [
  ['eats', { memoryBytes: 150 * MIB }, 'MemoryExhausted'],
  ['waits', { timeoutMs: 500 }, 'MergeTimedOut'],
  ['waits', { stallMs: 1000 }, 'MergeStalled'],
];
for (const [behaviour, limits, type] of LIMITED) {
  test(`a limit: ${type}`, async (t) => {
    const { context, job } = setUp(t, limits);
    const { facts } = await failureOf(runMergeProcess(job(behaviour), context, CHILD));
    assert.equal(facts.type, type);
    assert.ok(facts.peakBytes! > 10 * MIB);
    if (type !== 'MergeStalled') return;
    const evidence = /all of it in (.*\.stalled\.txt)\)$/.exec(facts.message)?.[1] ?? '';
    assert.match(
      facts.evidence?.join('\n') ?? '',
      /^node \(pid \d+\): .*merge-child\.ts.*(\n {2}\d+ threads? \w in \w+.*)+$/,
    );
    assert.match(readFileSync(evidence, 'utf8'), /^process \d+ \(.*\n(.*\n)+? {2}thread \d+ .* waits in /m);
  });
}

test("cancellation throws the signal's own reason", async (t) => {
  const { context, job } = setUp(t);
  const controller = new AbortController();
  const reason = new Error('the operator has paused');
  const onProgress = (): void => controller.abort(reason);
  const cancelled = { ...context, signal: controller.signal, onProgress };
  await assert.rejects(runMergeProcess(job('waits'), cancelled, CHILD), (error) => error === reason);
  await assert.rejects(runMergeProcess(job('merges'), cancelled, CHILD), (error) => error === reason);
});

test('a busy machine and a busy output are told apart, with their holder', async (t) => {
  const { context, job, folder } = setUp(t);
  const workspaceLock = join(folder, '.EUR USD.parquet.widemerge', 'lock');
  for (const [lockFile, message] of [
    [context.machineLock, /this machine is busy with another merge: .* held by pid 1 \(another\) since/],
    [workspaceLock, /this output is being merged: .* held by pid 1/],
  ] as const) {
    const held = takeLocks([lockFile]);
    held.sign(1, 'another');
    const { facts } = await failureOf(runMergeProcess(job('merges'), context, CHILD));
    assert.equal(facts.type, 'MachineBusy');
    assert.match(facts.message, message);
    held.close();
  }
});

test("an output's folder that is missing or is a file, a lock file that cannot be", async (t) => {
  const { context, job, folder } = setUp(t);
  writeFileSync(join(folder, 'file'), '');
  for (const parent of ['missing', 'file']) {
    const bad = { ...job('merges'), output: { path: join(folder, parent, 'out.parquet'), replace: false } };
    const { facts } = await failureOf(runMergeProcess(bad, context, CHILD));
    assert.equal(facts.type, 'OutputUnwritable');
    assert.equal(facts.file, join(folder, parent));
  }
  mkdirSync(join(folder, 'folder'));
  const busy = { ...context, machineLock: join(folder, 'folder') };
  assert.equal((await failureOf(runMergeProcess(job('merges'), busy, CHILD))).facts.type, 'ConfigInvalid');
  writeFileSync(join(folder, '.EUR USD.parquet.widemerge'), 'a file in the way');
  assert.equal((await failureOf(runMergeProcess(job('merges'), context, CHILD))).facts.type, 'OutputUnwritable');
});

test('a backend gives its engine, and figures of what was merged before', async (t) => {
  const { context, job } = setUp(t);
  assert.equal((await processBackend('duckdb', 'duckdb', CHILD).merge(job('merges'), context)).rows, 33);
  assert.equal((await processBackend('local', 'stitch', CHILD).merge(job('hasMerged'), context)).rows, 3);
});

test('the backends by name; bigquery does not merge in a single step', async (t) => {
  const { context, job } = setUp(t);
  const backends = createBackends();
  for (const [name, backend] of Object.entries(backends)) assert.equal(backend.name, name);
  const { facts } = await failureOf(backends.bigquery.merge(job('merges'), context));
  assert.equal(facts.type, 'BackendUnavailable');
  assert.match(facts.message, /not part of the version that this run began with: start it again/);
});
