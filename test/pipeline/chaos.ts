/** Kills the merge process, the worker and the server in turn, each in the middle of a pair, and looks what comes of it. */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startRun } from '../../src/client/start-run.ts';
import { killProcess, Stage, until } from './stage.ts';
import { mergeUndisturbed } from './undisturbed.ts';
import { sha256, Witness } from './witness.ts';

const VICTIMS = ['merge process', 'worker', 'server'] as const;
const FILES = 12;
/** No pair is hit more often: three lost attempts in a row would rightly be taken for memory. */
const KILLS_PER_PAIR = 2;

export interface ChaosReport {
  kills: Record<string, number>;
  pairs: number;
}

export async function runChaos(kills: number, log: (line: string) => void): Promise<ChaosReport> {
  await using stage = await Stage.open();
  const pairs = Math.ceil(kills / KILLS_PER_PAIR) + 1;
  const folders = { checkpoints: join(stage.folder, 'checkpoints'), merged: join(stage.folder, 'merged') };
  const samples = ['--pairs', `${pairs}`, '--files', `${FILES}`, '--columns', '12', '--rows', '12000'];
  const sample = await stage.widemerge('sample', '--out', folders.checkpoints, ...samples, '--misaligned', '50');
  assert.equal(sample.code, 0, sample.stderr);
  const names = (await readdir(folders.checkpoints)).sort();
  const expected = await mergeUndisturbed(stage.folder, folders.checkpoints, names);

  const done = { 'merge process': 0, worker: 0, server: 0 };
  await using witness = new Witness(folders, expected, FILES);
  await stage.worker.start();
  const config = stage.config({ name: 'chaos', clean: 'delete' });
  const { handle } = await startRun(stage.client, config, {
    tuning: { waitFirstMs: 200, waitMaxMs: 1_000, heartbeatTimeoutMs: 4_000 },
  });
  const hits = new Map<string, number>();
  for (let kill = 0; kill < kills; kill++) {
    const victim = VICTIMS[kill % VICTIMS.length]!;
    const merge = await until('a merge is running that may be hit', async () => {
      const pid = stage.mergeChild();
      const pair = await runningPair(folders.merged, names);
      return pid !== null && pair !== null && (hits.get(pair) ?? 0) < KILLS_PER_PAIR ? { pid, pair } : null;
    });
    hits.set(merge.pair, (hits.get(merge.pair) ?? 0) + 1);
    // Anywhere in the merge, not always at its start.
    await delay(Math.random() * 700);
    log(`kill ${kill + 1}: ${victim}, while ${merge.pair} is merged`);
    if (victim === 'merge process') {
      const pid = stage.mergeChild();
      if (pid !== null) await killProcess(pid);
    } else if (victim === 'worker') {
      await stage.worker.kill();
      await until('the merge has ended with its worker', () => stage.mergeChild() === null);
      await stage.worker.start();
    } else await stage.killServer();
    done[victim]++;
  }
  const result = await handle.result();
  assert.deepEqual(result.merged.toSorted(), names);
  assert.deepEqual(result.setAside, []);
  for (const pair of names) {
    assert.equal(await sha256(join(folders.merged, `${pair}.parquet`)), expected.get(pair), pair);
    assert.deepEqual(await readdir(join(folders.checkpoints, pair)).catch(() => []), [], `${pair}: is cleaned`);
  }
  assert.deepEqual(witness.violations, []);
  return { kills: done, pairs };
}

/** The pair whose workspace is there: the one that is being merged. */
async function runningPair(merged: string, names: string[]): Promise<string | null> {
  const entries = await readdir(merged);
  return names.find((name) => entries.includes(`.${name}.parquet.widemerge`)) ?? null;
}
