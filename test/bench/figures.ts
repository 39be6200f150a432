import type { Measurement } from '../../bench/lib/measure.ts';
import type { Entry } from '../../bench/lib/summary.ts';

export const run = (seconds: number, megabytes: number, changes: Partial<Measurement> = {}): Measurement => ({
  ...{ outcome: 'succeeded', reason: null, wallMs: seconds * 1000, cpuMs: 0 },
  ...{ peakBytes: megabytes * 1e6, outputBytes: 0, ...changes },
});

const killed = run(9, 4000, { outcome: 'memory-exhausted', reason: 'above its limit' });

/** A set that has all there is: a yardstick, the merge, peers that end well, and one that ends badly in its second round. */
export const ENTRIES: Entry[] = [
  { id: 'cat', name: '`cat` + fsync', runs: [run(1, 1), run(3, 1), run(2, 1)] },
  { id: 'widemerge-bytes', name: 'widemerge', runs: [run(4, 100), run(4, 200), run(5, 150)] },
  { id: 'slow', name: 'slow', runs: [run(80, 300)] },
  { id: 'quick', name: 'quick', runs: [run(22, 3000), run(20, 2000)] },
  { id: 'lost', name: 'lost', runs: [run(6, 50), killed] },
  { id: 'never', name: 'never run', runs: [] },
];
