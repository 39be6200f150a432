/** What is done to a merge, or to its worker, while it is on: real signals to real processes. */
import assert from 'node:assert/strict';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { WorkerProcess } from '../../../src/cli/demo/worker-process.ts';
import { isAlive, killProcess, until } from '../stage.ts';
import type { Round } from './round.ts';

/** The worker's own: 10 s of grace, 5 s for SIGTERM of the merge, and its reports. */
const DRAINED_WITHIN_MS = 30_000;

export async function killEngine(round: Round): Promise<void> {
  await killProcess(await round.engine());
  await round.go();
}

export async function stopEngine(round: Round): Promise<void> {
  process.kill(await round.engine(), 'SIGSTOP');
}

/** Three times, as a machine would that goes down with every attempt. */
export async function killWorkers(round: Round): Promise<void> {
  const { worker } = round.stage;
  for (let attempt = 1; attempt <= 3; attempt++) {
    const engine = await round.engine(attempt);
    await worker.kill();
    await until('the merge has ended with its worker', () => !isAlive(engine));
    await round.startWorker();
  }
}

export async function terminateWorker(round: Round): Promise<void> {
  const { worker } = round.stage;
  const engine = await round.engine();
  const began = performance.now();
  process.kill(worker.pid!, 'SIGTERM');
  await until('the worker has drained', () => worker.isDead);
  assert.ok(performance.now() - began < DRAINED_WITHIN_MS, 'within its grace');
  assert.ok(!isAlive(engine), 'its merge has ended before it');
  assert.match(await readFile(worker.logFile, 'utf8'), /worker stopped\n$/, 'it has ended as one that was asked to');
  await round.go();
  await round.startWorker();
}

/**
 * The worker stands still until the server has given its attempt to another one, while its merge goes on and succeeds: two
 * attempts at once, and the older one tells of its success late. Without its link alone, a worker ends such an attempt itself.
 */
export async function freezeWorker(round: Round): Promise<void> {
  const { stage } = round;
  const frozen = stage.worker.pid!;
  await round.engine();
  await using other = new WorkerProcess(stage.folder, stage.address);
  await round.startWorker(other);
  process.kill(frozen, 'SIGSTOP');
  try {
    await until('the second attempt has met the first', async () => (await round.failures()).length > 0);
    await round.go();
    await until('the older merge has ended', () => stage.mergeChild() === null);
  } finally {
    process.kill(frozen, 'SIGCONT');
  }
  await round.published();
}

export async function emptyDisk(round: Round): Promise<void> {
  await round.reason(/DiskFull/);
  await round.go();
  await rm(join(round.output, 'ballast'));
}
