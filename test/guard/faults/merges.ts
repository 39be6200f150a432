/** Merges that go wrong, each with the type that its failure must have: in the merge process itself, and in a program that merges. */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { MergeError, type MergeContext } from '../../../src/backends/backend.ts';
import { createBackends } from '../../../src/backends/index.ts';
import { processBackend } from '../../../src/backends/process-backend.ts';
import type { FailureType } from '../../../src/contract.ts';
import type { MergeFigures } from '../../../src/payloads.ts';
import { manifestPath } from '../../../src/merge/workspace.ts';
import { mergeJob } from '../../support/parquet-by-sql.ts';
import { fixture, MIB } from '../helpers.ts';
import { HurriedClock, STEPS_MS } from './hurried-clock.ts';
import type { Fault, Scene } from './scene.ts';

interface MergeFault {
  type: FailureType;
  /** Time is the fault: from the first progress on the clock hurries. */
  hurries?: boolean;
  memoryBytes?: number;
}

/** By the `key` of a job of test/fixtures/merge-child.ts. */
const OF_THE_PROCESS: Record<string, MergeFault> = {
  fails: { type: 'CheckpointInvalid' },
  failsGarbled: { type: 'CommandFailed' },
  throws: { type: 'CommandFailed' },
  saysNothing: { type: 'CommandFailed' },
  killed: { type: 'Killed' },
  aborts: { type: 'CommandFailed' },
  heapExhausted: { type: 'MemoryExhausted' },
  eats: { type: 'MemoryExhausted', memoryBytes: 150 * MIB },
  waits: { type: 'MergeStalled', hurries: true },
  goesOn: { type: 'MergeTimedOut', hurries: true },
};

const DAEMON = `(setsid sh -c 'trap "" TERM; while :; do sleep 1; done' < /dev/null > /dev/null 2>&1 &)`;

/** How a program tells its progress. */
const HALF = `echo '{"done": 1, "total": 2}'; `;

/** Shell scripts in the place of an engine. */
const OF_A_PROGRAM: Record<string, MergeFault & { script: string }> = {
  fails: { script: 'exit 9', type: 'CommandFailed' },
  'is killed': { script: 'kill -KILL $$', type: 'Killed' },
  'writes nothing and leaves a daemon': { script: `${DAEMON}; exit 0`, type: 'OutputMismatch' },
  'prints without end and fails': { script: 'head -c 20M /dev/zero >&2; exit 9', type: 'CommandFailed' },
  'eats memory': {
    script: 'dd if=/dev/zero of=/dev/null bs=600M count=1000',
    type: 'MemoryExhausted',
    memoryBytes: 400 * MIB,
  },
  'is stopped': { script: `${HALF}kill -STOP $$`, type: 'MergeStalled', hurries: true },
  'goes on for ever, deaf to SIGTERM': {
    script: `trap '' TERM; ${HALF}cat /dev/zero > /dev/null`,
    type: 'MergeTimedOut',
    hurries: true,
  },
};

export const MERGE_FAULTS: Fault[] = [
  ...Object.entries(OF_THE_PROCESS).map(([key, fault]) => ({
    what: `a merge process that behaves so: ${key}`,
    isSlow: fault.hurries ?? false,
    make: (scene: Scene) => {
      const job = { ...mergeJob(scene.sources, scene.output), key };
      return meet(scene, fault, (context) => processBackend('local', 'stitch', CHILD).merge(job, context));
    },
  })),
  ...Object.entries(OF_A_PROGRAM).map(([what, { script, ...fault }]) => ({
    what: `a program that merges and ${what}`,
    isSlow: true,
    make: (scene: Scene) => meet(scene, fault, (context) => mergeBy(scene, ['sh', '-c', script], context)),
  })),
  {
    what: 'a program that merges and is not there',
    isSlow: false,
    make: (scene) =>
      meet(scene, { type: 'BackendUnavailable' }, (context) => mergeBy(scene, ['no-such-program'], context)),
  },
];

const CHILD = fixture('merge-child');

/** The same pair, as it should be: nothing of the faults before stands in its way, and nothing of them stays in its workspace. */
export async function mergeWell(scene: Scene): Promise<void> {
  const job = mergeJob(scene.sources, scene.output);
  const figures = await createBackends().local.merge(job, contextOf(scene));
  assert.equal(figures.rows, 500);
  rmSync(scene.output);
  rmSync(manifestPath(scene.output));
}

function mergeBy(scene: Scene, argv: string[], context: MergeContext): Promise<MergeFigures> {
  const job = mergeJob(scene.sources, scene.output, { command: { argv, dir: scene.folder } });
  return createBackends().command.merge(job, context);
}

const contextOf = ({ machineLock, limits }: Scene, memoryBytes = limits.memoryBytes): MergeContext => ({
  limits: { ...limits, memoryBytes, killAboveBytes: memoryBytes },
  machineLock,
});

async function meet(
  scene: Scene,
  { type, hurries, memoryBytes }: MergeFault,
  merge: (context: MergeContext) => Promise<MergeFigures>,
): Promise<void> {
  const clock = new HurriedClock();
  const onProgress = ({ step }: { step: string }): void => {
    if (step === 'merge' && hurries) clock.hurry(STEPS_MS[type === 'MergeStalled' ? 'stalled' : 'timed-out']);
  };
  const error: unknown = await merge({ ...contextOf(scene, memoryBytes), clock, onProgress }).then(
    () => null,
    (reason: unknown) => reason,
  );
  scene.count.passedMs += clock.passedMs;
  assert.ok(error instanceof MergeError, String(error));
  assert.equal(error.facts.type, type, error.message);
  assert.doesNotMatch(error.message, /does not die/);
}
