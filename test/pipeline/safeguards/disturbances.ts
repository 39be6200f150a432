/** What is done to a merge, or to its worker, while it is on: real signals to real processes. */
import assert from 'node:assert/strict';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { WorkerProcess } from '../../../src/cli/demo/worker-process.ts';
import { isAlive, killProcess, until } from '../stage.ts';
import { openLink } from '../../support/breakable-link.ts';
import type { Before, Round } from './round.ts';

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
 * The worker of the attempt loses the server until that has given its attempt to another worker, while its merge goes on and
 * succeeds: two attempts at once, and the older one tells of its success late.
 */
export const partitionWorker: Before = async (round) => {
  const { stage } = round;
  await stage.worker.stop();
  const link = await openLink(stage.address);
  const cutOff = new WorkerProcess(stage.folder, link.address);
  await round.startWorker(cutOff);
  return async () => {
    try {
      const engine = await round.engine();
      link.cut();
      await round.startWorker();
      await round.reason(/MachineBusy/);
      await round.go();
      await until('the older merge has ended', () => !isAlive(engine));
      link.mend();
      await round.published();
    } finally {
      link.mend();
      await cutOff.stop();
      await link[Symbol.asyncDispose]();
      if (stage.worker.pid === undefined) await round.startWorker();
    }
  };
};

export async function emptyDisk(round: Round): Promise<void> {
  await round.reason(/DiskFull/);
  await round.go();
  await rm(join(round.output, 'ballast'));
}
