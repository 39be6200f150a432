/**
 * Eight hours of nothing but faults, in one process, as a worker is: the guard's time is hurried where time is the fault, all else is
 * real. A round is each quick fault once, in an order of its own, and some of the slow ones; after each the machine and
 * this process are as they were. WIDEMERGE_SOAK_FAULTS and WIDEMERGE_SOAK_SEED make it longer, or the same again.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertNothingLeft, held, type Held } from '../guard/faults/left.ts';
import { mergeWell } from '../guard/faults/merges.ts';
import { drawRound, FAULTS, makeFault } from '../guard/faults/round.ts';
import { openScene } from '../guard/faults/scene.ts';

const HOUR_MS = 3_600_000;
const FAULTS_AT_LEAST = Number(process.env.WIDEMERGE_SOAK_FAULTS ?? 2_000);
const SEED = Number(process.env.WIDEMERGE_SOAK_SEED ?? Date.now() % 1_000_000);

test('eight hours of faults leave nothing behind', { timeout: 2 * HOUR_MS }, async (t) => {
  const startedMs = performance.now();
  // At once, and not with the result.
  console.log(`seed ${SEED}`);
  const scene = await openScene(t, SEED);
  for (const fault of FAULTS) await makeFault(scene, fault);
  await mergeWell(scene);
  const before = await held();
  let faults = FAULTS.length;
  let highest = before;
  for (let rounds = 1; faults < FAULTS_AT_LEAST || scene.count.passedMs < 8 * HOUR_MS; rounds++) {
    const round = drawRound(scene);
    for (const fault of round) {
      await makeFault(scene, fault).catch((error: unknown) => {
        throw new Error(`round ${rounds} of seed ${SEED}`, { cause: error });
      });
    }
    faults += round.length;
    await mergeWell(scene);
    const now = await assertNothingLeft(scene, before);
    highest = now.rssBytes > highest.rssBytes ? now : highest;
    const hours = (scene.count.passedMs / HOUR_MS).toFixed(1);
    if (rounds % 5 === 0) console.log(`${faults} faults in ${hours} hours, ${figures(now)}`);
  }
  const hours = scene.count.passedMs / HOUR_MS;
  const minutes = (performance.now() - startedMs) / 60_000;
  t.diagnostic(
    `${faults} faults in ${hours.toFixed(1)} hours of the guards' time, ${minutes.toFixed(1)} minutes of ours`,
  );
  t.diagnostic(`before: ${figures(before)}; at the most: ${figures(highest)}; now: ${figures(await held())}`);
  assert.ok(hours >= 8);
});

const figures = ({ heapBytes, rssBytes, descriptors, threads, resources }: Held): string =>
  `heap ${mib(heapBytes)} MiB, resident ${mib(rssBytes)} MiB, ${descriptors} descriptors, ${threads} threads, ${JSON.stringify(resources)}`;
const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);
