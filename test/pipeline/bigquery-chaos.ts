/**
 * Pairs merged by BigQuery while requests fail, connections are cut, jobs are slow or fail of themselves, the worker is
 * killed and operators change their mind: the output is right, and each logical step was paid once.
 */
import assert from 'node:assert/strict';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { nanosOf } from '../../src/bigquery/purse.ts';
import type { LedgerView } from '../../src/budget/messages.ts';
import { readLedger } from '../../src/client/budget.ts';
import { RunError } from '../../src/client/errors.ts';
import { signalPivot } from '../../src/client/signals.ts';
import { startRun } from '../../src/client/start-run.ts';
import { compareWithLocal } from '../../src/cli/demo/compare.ts';
import { defaultBigquery } from '../../src/config/load.ts';
import type { BookedJob } from '../../src/emulator/jobs.ts';
import { mulberry32, type SeededFaults } from '../../src/emulator/faults.ts';
import { startProxy } from '../../src/emulator/proxy.ts';
import { startReadProxy } from '../../src/emulator/read-proxy.ts';
import type { ReadFault } from '../../src/emulator/read-proxy.ts';
import { startEmulator } from '../../src/emulator/start.ts';
import { Stage, until } from './stage.ts';

const PROJECT = 'widemerge-chaos';
const PAIR = 'GBPUSD';
const FILES = 3;
const DOLLARS_PER_BYTE = 6.25 / 2 ** 40;

const CHOICES: SeededFaults['choices'] = [
  { on: ['insert', 'poll', 'cancel', 'metadata'], fault: { fault: 'error', when: 'before', reason: 'backendError' } },
  { on: ['insert', 'poll', 'cancel'], fault: { fault: 'error', when: 'after', reason: 'internalError' } },
  { on: ['insert', 'poll', 'cancel', 'metadata'], fault: { fault: 'cut', when: 'before' } },
  { on: ['insert', 'poll', 'cancel'], fault: { fault: 'cut', when: 'after' } },
  { on: ['insert', 'poll', 'metadata'], fault: { fault: 'expired-token' } },
  { on: ['insert'], fault: { fault: 'slow', polls: 4 } },
  { on: ['insert'], fault: { fault: 'job-error', reason: 'backendError' } },
  { on: ['insert'], fault: { fault: 'job-error', reason: 'rateLimitExceeded' } },
  { on: ['insert'], fault: { fault: 'job-error', reason: 'resourcesExceeded' } },
];

const READ_FAULTS: ReadFault[] = [
  { fault: 'error', on: 'CreateReadSession', status: 14 },
  { fault: 'error', on: 'ReadRows', status: 14 },
  { fault: 'error', on: 'ReadRows', status: 16 },
  { fault: 'cut', on: 'ReadRows', afterBytes: 2_000 },
];

export interface CloudChaosReport {
  runs: number;
  faults: number;
  kills: number;
  pivots: number;
  /** Query jobs that were paid. */
  paid: number;
  billedBytes: number;
}

/** Run `first`, `first + 1`, ...: the number is the seed of all that is drawn in it. */
export async function runCloudChaos(
  first: number,
  runs: number,
  log: (line: string) => void,
): Promise<CloudChaosReport> {
  await using emulator = await startEmulator({ project: PROJECT });
  await using proxy = await startProxy({ restUrl: emulator.restUrl });
  await using reads = await startReadProxy({ grpcPort: emulator.grpcPort });
  await using stage = await Stage.open({
    BIGQUERY_EMULATOR_HOST: proxy.url,
    BIGQUERY_STORAGE_EMULATOR_HOST: `127.0.0.1:${reads.grpcPort}`,
  });
  const samples = ['--pairs', PAIR, '--files', `${FILES}`, '--columns', '4', '--rows', '3000', '--misaligned', '50'];
  const made = await stage.widemerge('sample', '--out', join(stage.folder, 'checkpoints'), ...samples);
  assert.equal(made.code, 0, made.stderr);
  await stage.worker.start();

  const report: CloudChaosReport = { runs, faults: 0, kills: 0, pivots: 0, paid: 0, billedBytes: 0 };
  for (let seed = first; seed < first + runs; seed++) {
    const random = mulberry32(seed);
    const name = `chaos-${seed}`;
    const output = join(stage.folder, `merged-${seed}`);
    await mkdir(output);
    const config = stage.config({
      name,
      output,
      pairs: [PAIR],
      backends: ['bigquery', 'local'],
      // Two partitions, so that there is more than one query to be paid once.
      bigquery: { ...defaultBigquery(), project: PROJECT, workerLocation: 'US', partitionColumns: 8 },
    });
    const booksBefore = proxy.books().length;
    const faultsBefore = proxy.injectedFaults().length;
    proxy.planFaults({ seeded: { seed, rate: 0.12, choices: CHOICES } });
    reads.planFaults(READ_FAULTS.filter(() => random() < 0.3));

    const { handle } = await startRun(stage.client, config, {
      tuning: { waitFirstMs: 100, waitMaxMs: 500, heartbeatTimeoutMs: 4_000 },
    });
    const disturbances: string[] = [];
    if (random() < 0.5) {
      await delay(random() * 4_000);
      disturbances.push('worker killed');
      await stage.worker.kill();
      await stage.worker.start();
      report.kills++;
    }
    if (random() < 0.25) {
      await delay(random() * 2_000);
      disturbances.push('pivoted to local at once');
      // The run may be over by now: then there is nothing to pivot.
      await signalPivot(stage.client, name, { backend: 'local', pair: PAIR, now: true }).catch(() => undefined);
      report.pivots++;
    }
    const result = await handle.result();
    const faults = proxy.injectedFaults().slice(faultsBefore);
    proxy.planFaults({});
    const where = `seed ${seed} (${[...disturbances, ...faults.map(({ on, fault }) => `${fault.fault} on ${on}`)].join(', ')})`;
    assert.deepEqual(result.merged, [PAIR], `${where}: ${JSON.stringify(result)}`);
    await compareWithLocal({ folder: stage.folder, config }, PAIR);
    await rm(join(stage.folder, 'compared'), { recursive: true });

    const booked = proxy.books().slice(booksBefore);
    const scans = booked.filter(({ kind }) => kind === 'query');
    assertPaidOnce(scans, where);
    const ledger = await ledgerOf(stage);
    const own = ledger.runs.filter(({ run }) => run.startsWith(`${name}@`));
    const spent = own.reduce((sum, { kinds }) => sum + kinds.scan, 0);
    const owed = scans.reduce((sum, { bytesBilled }) => sum + nanosOf(bytesBilled * DOLLARS_PER_BYTE), 0);
    assert.equal(spent, owed, `${where}: the ledger and the service's books differ: ${JSON.stringify(scans)}`);
    assert.deepEqual(
      ledger.open.filter(({ run, kind }) => run.startsWith(`${name}@`) && kind === 'scan'),
      [],
      `${where}: nothing is reserved any more`,
    );
    await rm(output, { recursive: true });

    report.faults += faults.length;
    report.paid += scans.filter(({ bytesBilled }) => bytesBilled > 0).length;
    report.billedBytes += scans.reduce((sum, { bytesBilled }) => sum + bytesBilled, 0);
    log(`${where}: ${scans.length} queries, ${booked.length} jobs`);
  }
  return report;
}

/**
 * The books; a worker that was killed has its queries wait for it for some seconds, and a first run that goes elsewhere at once has
 * none.
 */
async function ledgerOf(stage: Stage): Promise<Pick<LedgerView, 'runs' | 'open'>> {
  return until('the books are read', async () => {
    try {
      return await readLedger(stage.client, PROJECT);
    } catch (error) {
      if (!(error instanceof RunError)) throw error;
      return error.reason === 'notFound' ? { runs: [], open: [] } : null;
    }
  });
}

/** Of each step at most one query went well, and was paid; a cancelled one may have been paid beside it. */
function assertPaidOnce(scans: BookedJob[], where: string): void {
  const steps = Map.groupBy(scans, ({ labels }) => labels.widemerge_step);
  for (const [step, jobs] of steps) {
    const paid = jobs.filter(({ bytesBilled, reason }) => bytesBilled > 0 && reason === null);
    assert.ok(paid.length <= 1, `${where}: ${step} was paid ${paid.length} times: ${JSON.stringify(jobs)}`);
  }
}
