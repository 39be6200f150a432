import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changeLines, runLines } from '../../src/cli/run-view.ts';
import { table } from '../../src/cli/terminal.ts';
import type { RunStatus } from '../../src/client/read-status.ts';
import { FIGURES } from '../workflows/support/fake-machine.ts';
import type { PairState } from '../../src/contract.ts';
import type { PairProgress } from '../../src/payloads.ts';

const pair = (name: string, state: PairState, reason: string | null = null): PairProgress => ({
  ...{ pair: name, state, reason },
  ...{ backend: null, failure: null, figures: null, round: 0 },
});

function status(pairs: PairProgress[]): RunStatus {
  const progress = { name: 'fx', state: 'running' as const, startedAt: '', eta: null, pairs, notes: ['a note'] };
  return { progress, source: 'workflow', workflowStatus: 'RUNNING', remark: null, live: [] };
}

test('all pairs are shown where they fit', () => {
  const lines = runLines(status([pair('A', 'merged'), pair('B', 'setAside', 'why'), pair('C', 'waiting')]), 40);
  assert.equal(lines[0], 'fx is running, 1 of 3 pairs merged, 1 set aside');
  assert.deepEqual(
    lines.slice(2, 5).map((line) => line.replaceAll(/ +/g, ' ')),
    ['A merged', 'B setAside why', 'C waiting'],
  );
  assert.equal(lines.at(-1), '  a note');
});

test('where they do not fit, what is done is counted first, then what waits; what needs a look stays', () => {
  const many = (state: PairState, count: number) =>
    Array.from({ length: count }, (_, i) => pair(`${state}${i}`, state));
  const lines = runLines(
    status([...many('merged', 500), pair('X', 'setAside', 'why'), pair('Y', 'merging'), ...many('waiting', 500)]),
    20,
  );
  assert.ok(lines.length <= 20);
  for (const name of ['X', 'Y'])
    assert.ok(
      lines.some((line) => line.startsWith(`${name} `)),
      name,
    );
  assert.ok(lines.some((line) => /^\(500 more merged or skipped, \d+ more waiting\)$/.test(line)));
});

test('a change is one line, no change is none', () => {
  const before = [pair('A', 'merging'), pair('B', 'waiting')];
  assert.deepEqual(changeLines(before, before), []);
  const after = [pair('A', 'setAside', 'CheckpointInvalid: x'), pair('B', 'gated', 'waits for memory')];
  assert.deepEqual(changeLines(before, after), ['A  set aside: CheckpointInvalid: x', 'B  gated: waits for memory']);
});

test('a pair that another backend takes over says after what, also once it is merged', () => {
  const routed = 'command: MergeStalled: no progress for 5.1 s';
  const before = [{ ...pair('A', 'merging'), backend: 'command' as const }];
  const after = [{ ...pair('A', 'merging'), backend: 'local' as const, routed }];
  assert.deepEqual(changeLines(before, after), [`A  goes on with local after ${routed}`]);
  assert.deepEqual(changeLines(after, after), []);
  for (const state of ['merging', 'merged'] as const)
    assert.match(
      runLines(status([{ ...pair('A', state), routed }]), 9)[2] ?? '',
      / {2}after command: MergeStalled: no/,
    );
});

test('a run that was ended is not called running', () => {
  const headline = (workflowStatus: string) => runLines({ ...status([]), workflowStatus }, 9)[0];
  assert.equal(headline('FAILED'), 'fx has failed, 0 of 0 pairs merged');
  assert.equal(headline('CANCELLED'), 'fx was cancelled, 0 of 0 pairs merged');
  assert.equal(headline('RUNNING'), 'fx is running, 0 of 0 pairs merged');
});

test('the type of a failure is said, and said once', () => {
  const why = 'local: MemoryExhausted: too wide; then duckdb: BackendUnavailable: not here';
  const pairs = [
    { ...pair('A', 'setAside', 'a.parquet: is truncated'), failure: 'CheckpointInvalid' as const },
    { ...pair('B', 'setAside', why), failure: 'BackendUnavailable' as const },
  ];
  const lines = ['CheckpointInvalid: a.parquet: is truncated', why];
  assert.deepEqual(changeLines([], pairs), [`A  set aside: ${lines[0]}`, `B  set aside: ${lines[1]}`]);
  const shown = runLines(status(pairs), 40);
  assert.ok(
    lines.every((line, index) => shown[index + 2]!.endsWith(`  ${line}`)),
    shown.join('\n'),
  );
});

test('a pair that was merged before has no time and no peak', () => {
  const before = { ...pair('A', 'merged'), figures: { ...FIGURES, alreadyMerged: true } };
  assert.match(changeLines([], [before])[0]!, /^A  merged before: .* rows, [^,]+$/);
  assert.match(runLines(status([before]), 40)[2]!, /B +merged before$/);
});

test('columns of figures are to the right, words to the left', () => {
  const rows = [
    ['A', '1,000', '9.5 MiB', '24 files'],
    ['B', '7', '120 KiB', 'why'],
  ];
  assert.deepEqual(table(['pair', 'rows', 'size', ''], rows), [
    'pair   rows     size',
    'A     1,000  9.5 MiB  24 files',
    'B         7  120 KiB  why',
  ]);
});
