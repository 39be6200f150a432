import assert from 'node:assert/strict';
import { test } from 'node:test';

import { StallMeter, type Work } from '../../src/guard/stall.ts';

/** Feeds the meter once per 100 ms for `seconds`; returns the longest time without progress that it saw. */
function longestIdleMs(seconds: number, at: (second: number) => { messages?: number; works?: Work[] }): number {
  const meter = new StallMeter(0);
  let longest = 0;
  for (let ms = 100; ms <= seconds * 1000; ms += 100) {
    const { messages = 0, works = [] } = at(ms / 1000);
    longest = Math.max(longest, meter.update(ms, messages, works));
  }
  return longest;
}
const work = (cpuMs: number, ioBytes: number, pid = 1): Work => ({ pid, startTicks: 1, cpuMs, ioBytes });

test('nothing at all is a stall', () => {
  assert.equal(
    longestIdleMs(60, () => ({})),
    60_000,
  );
});

test('messages, CPU time or bytes are progress', () => {
  assert.ok(longestIdleMs(60, (second) => ({ messages: Math.floor(second) })) <= 1100);
  assert.ok(longestIdleMs(60, (second) => ({ works: [work(second * 500, 0)] })) <= 200);
  assert.ok(longestIdleMs(60, (second) => ({ works: [work(0, second * 1e6)] })) <= 200);
});

test('the timers of an idle runtime are none', () => {
  const idle = (second: number): { works: Work[] } => ({ works: [work(10 * Math.floor(second / 2), 100 * second)] });
  assert.ok(longestIdleMs(300, idle) > 250_000);
});

test('work of a process that comes and goes is counted as it is seen', () => {
  const brief = (second: number): { works: Work[] } => ({ works: [work(100, 0, Math.floor(second))] });
  assert.ok(longestIdleMs(60, brief) <= 1100);
});

test('a guard that was itself held up does not blame the child', () => {
  const meter = new StallMeter(0);
  assert.equal(meter.update(3_600_000, 0, []), 1000);
});
