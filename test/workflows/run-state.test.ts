import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import type { MergeFigures, PairProgress } from '../../src/payloads.ts';
import { compactPair, expandPair, FIGURES_KEPT } from '../../src/workflows/carried-pair.ts';
import type { PairOutcome } from '../../src/workflows/inputs.ts';
import type { PairEntry } from '../../src/workflows/pair-entry.ts';
import { pristine } from '../../src/workflows/pair-entry.ts';
import { RunMessages } from '../../src/workflows/run-messages.ts';
import { RunState } from '../../src/workflows/run-state.ts';
import { FIGURES } from './support/fake-machine.ts';

const entries = (...pairs: string[]): PairEntry[] => pairs.map((pair) => ({ progress: pristine(pair), pivot: null }));

const CONFIG = { name: 'fx', limits: { memoryBytes: 2 ** 30, killAboveBytes: 2 ** 30, timeoutMs: 1, stallMs: 1 } };

function run(...pairs: string[]): RunState {
  const state = new RunState(CONFIG, '2026-01-01T00:00:00.000Z');
  state.setPairs(entries(...pairs));
  return state;
}

const operator = (state: RunState): RunMessages => new RunMessages(state);

function finish(state: RunState, changes: Partial<PairOutcome> = {}, nowMs = 0): void {
  const next = state.nextWaiting()!;
  state.begin(next);
  const outcome = { ...next.progress, state: 'merged' as const, figures: FIGURES, workedMs: 60_000, notes: [] };
  state.finish(next, { ...outcome, ...changes }, nowMs);
}

suite('RunState', () => {
  test('messages that come before the pairs are known are applied when they are', () => {
    const state = new RunState(CONFIG, '2026-01-01T00:00:00.000Z');
    operator(state).skip({ pair: 'A' });
    operator(state).skip('B');
    operator(state).pivot({ backend: 'duckdb' });
    operator(state).pause({});
    state.setPairs(entries('A', 'C'));
    const { pairs, notes, state: runState } = state.progress();
    assert.deepEqual(
      pairs.map((pair) => [pair.state, pair.backend]),
      [
        ['skipped', null],
        ['waiting', 'duckdb'],
      ],
    );
    assert.deepEqual(notes, ['refused: skipPair: no pair "B" in this run']);
    assert.equal(runState, 'paused');
  });

  test('only the running pair gets messages, and late reports of others are dropped', () => {
    const state = run('A', 'B');
    operator(state).pause({ now: true });
    assert.deepEqual(state.outboxOf('A'), [], 'nobody runs');
    state.begin(state.nextWaiting()!);
    operator(state).resume();
    operator(state).pivot({ backend: 'duckdb', pair: 'A', now: true });
    operator(state).skip('A');
    assert.deepEqual(
      state.outboxOf('A').map(({ signal }) => signal),
      ['resume', 'pivotBackend', 'skipPair'],
    );
    state.report({ ...pristine('B'), state: 'merged' });
    state.report({ ...pristine('A'), state: 'verifying' });
    for (const garbage of [undefined, null, 'A', { pair: 'A' }]) state.report(garbage);
    assert.deepEqual(
      state.progress().pairs.map((pair) => pair.state),
      ['verifying', 'waiting'],
    );
  });

  test('the time left is the mean of what was merged, times what is left', () => {
    const state = run('A', 'B', 'C', 'D');
    assert.equal(state.progress().eta, null);
    finish(state, { workedMs: null });
    assert.equal(state.progress().eta, null, 'a pair that was merged before says nothing of the others');
    finish(state, {}, Date.parse('2026-01-01T01:00:00Z'));
    assert.equal(state.progress().eta, '2026-01-01T01:02:00.000Z');
    operator(state).pause({});
    assert.equal(state.progress().eta, null);
  });

  test('a retry waits again in a higher round, with the backend chosen meanwhile', () => {
    const state = run('A');
    finish(state, { state: 'setAside', reason: 'x', failure: 'OutputExists', figures: null });
    operator(state).pivot({ backend: 'duckdb', pair: 'A' });
    operator(state).retry('A');
    assert.deepEqual(state.nextWaiting()!.progress, { ...pristine('A'), backend: 'duckdb', round: 1 });
    assert.equal(state.nextWaiting()!.pivot, 'duckdb');
    assert.deepEqual(state.summary().rounds, { A: 1 });
    finish(state);
    operator(state).retry('A');
    operator(state).pivot({ backend: 'local', pair: 'A' });
    assert.equal(state.progress().notes.length, 2, 'merged is merged');
  });

  test('notes are bounded', () => {
    const state = run('A');
    for (let i = 0; i < 100; i += 1) operator(state).skip(`no${i}`);
    const { notes } = state.progress();
    assert.equal(notes.length, 20);
    assert.match(notes.at(-1)!, /no99/);
  });

  test('notes are counted for good, and from those that are left where an earlier version has carried the run', () => {
    const state = run('A');
    for (let i = 0; i < 30; i += 1) operator(state).skip('no');
    const { notesEver, ...older } = state.carry(1, true);
    assert.equal(notesEver, 30);
    for (const [carried, expected] of [[{ ...older, notesEver }, 31] as const, [older, 21] as const]) {
      const next = new RunState(CONFIG, older.startedAt);
      next.restore(carried);
      operator(next).skip('no');
      assert.equal(next.progress().notesEver, expected);
    }
  });

  test('five thousand merged pairs fit a payload, carried and asked for', () => {
    const state = run(...Array.from({ length: 5000 }, (_, i) => `PAIR${i}`));
    for (let i = 0; i < 1000; i += 1) finish(state);
    for (const entry of state.progress().pairs) if (entry.state === 'waiting') entry.state = 'merged';
    assert.ok(JSON.stringify(state.progress()).length < 1_500_000);
    const carried = state.carry(1, true);
    assert.ok(JSON.stringify(carried).length < 1_000_000);
    const next = new RunState(CONFIG, carried.startedAt);
    next.restore(carried);
    assert.deepEqual(next.progress().pairs, state.progress().pairs);
    assert.equal(state.progress().pairs.filter(({ figures }) => figures !== null).length, FIGURES_KEPT);
  });

  test('any pair survives being carried', () => {
    const nullable = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(value, { nil: null });
    const progress: fc.Arbitrary<PairProgress> = fc.record(
      {
        pair: fc.string({ minLength: 1 }),
        state: fc.constantFrom('waiting', 'merged', 'setAside', 'skipped'),
        backend: nullable(fc.constantFrom('local', 'duckdb')),
        reason: nullable(fc.string()),
        failure: nullable(fc.constantFrom('DiskFull', 'Killed')),
        figures: nullable(fc.constant<MergeFigures>(FIGURES)),
        round: fc.nat(),
      },
      { noNullPrototype: true },
    );
    fc.assert(
      fc.property(progress, nullable(fc.constantFrom('local', 'bigquery')), (p, pivot) => {
        const carried: unknown = JSON.parse(JSON.stringify(compactPair({ progress: p, pivot })));
        assert.deepEqual(expandPair(carried as string), { progress: p, pivot });
      }),
    );
  });
});
