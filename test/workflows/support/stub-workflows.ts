/**
 * The real run over pairs that are merged as soon as they begin: for tests of thousands of pairs, where activities
 * would only take time.
 */
import type { MergePairInput, PairOutcome } from '../../../src/workflows/inputs.ts';

export { mergePairs } from '../../../src/workflows/merge-pairs.ts';

export function mergePair({ pair, round }: MergePairInput): Promise<PairOutcome> {
  const rest = { backend: 'local', reason: null, failure: null, figures: null, round, notes: [] } as const;
  return Promise.resolve({ pair, state: 'merged', ...rest, notes: [], workedMs: 10 });
}
