import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Faults } from '../../src/emulator/faults.ts';
import type { Fault, RequestKind, SeededFaults } from '../../src/emulator/faults.ts';

const CUT: Fault = { fault: 'cut', when: 'before' };
const SLOW: Fault = { fault: 'slow', polls: 2 };
const KINDS: RequestKind[] = ['insert', 'poll', 'results', 'cancel', 'metadata'];

function drawn(plan: SeededFaults, requests: number): (Fault | null)[] {
  const faults = new Faults();
  faults.plan({ seeded: plan });
  return Array.from({ length: requests }, (_, at) => faults.next(KINDS[at % KINDS.length]!, `request ${at}`));
}

test('planned faults come once each, after the requests that they let pass', () => {
  const faults = new Faults();
  faults.plan({
    planned: [
      { on: 'poll', after: 1, fault: CUT },
      { on: 'insert', fault: SLOW },
    ],
  });
  const got = (['poll', 'insert', 'poll', 'poll', 'insert'] as const).map((kind) => faults.next(kind, 'r'));
  assert.deepEqual(got, [null, SLOW, CUT, null, null]);
  assert.deepEqual(
    faults.injected.map(({ on }) => on),
    ['insert', 'poll'],
  );
});

test('a seed gives the same faults each time, another seed others, each for its kinds of request and up to the limit', () => {
  const plan: SeededFaults = {
    seed: 7,
    rate: 0.5,
    choices: [
      { on: ['insert'], fault: SLOW },
      { on: ['insert', 'poll'], fault: CUT },
    ],
  };
  const first = drawn(plan, 500);
  assert.deepEqual(drawn(plan, 500), first);
  assert.notDeepEqual(drawn({ ...plan, seed: 8 }, 500), first);
  first.forEach((fault, at) => {
    const kind = KINDS[at % KINDS.length]!;
    if (fault === SLOW) assert.equal(kind, 'insert');
    if (fault === CUT) assert.ok(kind === 'insert' || kind === 'poll');
  });
  const count = first.filter(Boolean).length;
  assert.ok(count > 70 && count < 130, `${count} of 200`);
  assert.equal(drawn({ ...plan, limit: 3 }, 500).filter(Boolean).length, 3);
});
