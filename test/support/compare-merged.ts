import assert from 'node:assert/strict';
import { runPython } from './python-env.ts';

export interface Comparison {
  ok: boolean;
  files: number;
  rows: number;
  columns: number;
  /** Values that were compared, nulls included. */
  compared: number;
  mismatchCount: number;
  /** The first 20. */
  mismatches: Record<string, unknown>[];
}

export interface CompareOptions {
  key?: string;
  rows?: 'union' | 'reference' | 'intersection';
  reference?: string;
  pattern?: string;
  /** Types that say the same in other words are the same. */
  implied?: 'same';
}

/** What compare_merged.py, which shares no code with the engine, says of merged files of the same sources. */
export async function compareMerged(
  dir: string,
  outputs: string[],
  options: CompareOptions = {},
): Promise<Comparison[]> {
  const flags = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value as string]);
  const lines = await runPython('compare_merged.py', [dir, ...outputs, ...flags], { timeoutMs: 300_000 });
  return lines
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Comparison);
}

/** Every value of every source is in the output, bit for bit, and nothing else is. */
export async function assertMerged(dir: string, output: string, options: CompareOptions = {}): Promise<Comparison> {
  const [comparison] = await compareMerged(dir, [output], options);
  assert.ok(comparison !== undefined);
  assert.ok(comparison.ok, JSON.stringify(comparison.mismatches, null, 1));
  assert.ok(comparison.compared > 0, 'nothing was compared');
  return comparison;
}
