/** Each fault once, in one process, and nothing of it left; `make soak` makes thousands of them. */
import { test } from 'node:test';
import { assertNothingLeft, held } from './faults/left.ts';
import { mergeWell } from './faults/merges.ts';
import { FAULTS, makeFault } from './faults/round.ts';
import { openScene } from './faults/scene.ts';

test('every fault once: none leaves a process, control group, lock, file, descriptor or timer', async (t) => {
  const scene = await openScene(t, 1, { timeout: 10, stall: 1 });
  // What is made once and kept: libraries, what was probed of the machine, the threads of the pool.
  await makeFault(scene, FAULTS[0]!);
  await mergeWell(scene);
  const before = await held();
  for (const fault of FAULTS) await makeFault(scene, fault);
  await mergeWell(scene);
  await assertNothingLeft(scene, before);
});
