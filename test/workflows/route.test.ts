import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import type { BackendName, FailureType } from '../../src/contract.ts';
import { BACKENDS, FAILURES } from '../../src/contract.ts';
import type { Decision, PastFailure, RoutePolicy } from '../../src/workflows/route.ts';
import { whyText } from '../../src/workflows/pair-entry.ts';
import { chainFrom, forgive, oneLine, recordFailure, route } from '../../src/workflows/route.ts';

const policy = (...chain: (BackendName | null)[]): RoutePolicy => ({
  chain,
  waitFirstMs: 100,
  waitMaxMs: 1000,
  waitsForBigquery: false,
});
const after = (...failures: [BackendName | null, FailureType, string?][]): PastFailure[] =>
  failures.reduce<PastFailure[]>(
    (past, [backend, type, message = type]) => recordFailure(past, { backend, type, message }),
    [],
  );

suite('route', () => {
  test('begins with the first backend of the chain', () => {
    assert.deepEqual(route(policy('bigquery', 'local'), []), { kind: 'try', backend: 'bigquery' });
  });

  for (const type of [
    ...(['MemoryExhausted', 'MergeStalled', 'MergeTimedOut'] as const),
    ...(['BackendLost', 'BackendUnavailable', 'EngineUnfit'] as const),
  ])
    test(`${type} leads to the next backend`, () => {
      assert.deepEqual(route(policy('local', 'duckdb'), after(['local', type])), { kind: 'try', backend: 'duckdb' });
    });

  for (const type of ['CheckpointInvalid', 'OutputExists', 'OutputMismatch', 'InputChanged', 'BudgetExceeded'] as const)
    test(`${type} sets the pair aside at once`, () => {
      assert.equal(route(policy('local', 'duckdb'), after(['local', type])).kind, 'setAside');
    });

  for (const type of ['DiskFull', 'HostUnhealthy', 'MachineBusy'] as const)
    test(`${type} waits on the same backend, longer each time, without end`, () => {
      const failures = Array.from({ length: 50 }, () => ['local', type] as [BackendName, FailureType]);
      const waits = [1, 2, 3, 50].map((n) => route(policy('local', 'duckdb'), after(...failures.slice(0, n))));
      assert.deepEqual(
        waits.map((wait) => wait.kind === 'wait' && [wait.backend, wait.waitMs]),
        [100, 200, 400, 1000].map((ms) => ['local', ms]),
      );
    });

  test('Killed is retried five times on its backend, CommandFailed twice', () => {
    const decide = (type: FailureType, times: number): Decision =>
      route(
        policy('local', 'duckdb'),
        after(...Array.from({ length: times }, (): ['local', FailureType] => ['local', type])),
      );
    assert.equal(decide('Killed', 5).kind, 'wait');
    assert.equal(decide('Killed', 6).kind, 'setAside');
    assert.equal(decide('CommandFailed', 2).kind, 'wait');
    assert.equal(decide('CommandFailed', 3).kind, 'setAside');
  });

  test('the end of the chain names what happened on every backend', () => {
    const failures = after(['local', 'MemoryExhausted', 'peak 40 GiB'], ['bigquery', 'BackendUnavailable', 'not yet']);
    assert.deepEqual(route(policy('local', 'bigquery'), failures), {
      kind: 'setAside',
      failure: 'BackendUnavailable',
      reason: 'local: MemoryExhausted: peak 40 GiB; then bigquery: BackendUnavailable: not yet',
    });
  });

  test('one failure alone leaves its type to the field that has it', () => {
    assert.deepEqual(route(policy(null), after([null, 'CheckpointInvalid', 'a.parquet: is truncated'])), {
      kind: 'setAside',
      failure: 'CheckpointInvalid',
      reason: 'a.parquet: is truncated',
    });
  });

  test('memory in a step that has no backend is tried again, then set aside', () => {
    assert.equal(route(policy(null), after([null, 'MemoryExhausted'])).kind, 'wait');
    const thrice = after([null, 'MemoryExhausted'], [null, 'MemoryExhausted'], [null, 'MemoryExhausted']);
    assert.equal(route(policy(null), thrice).kind, 'setAside');
  });

  test('a pivot puts its backend first and forgives its failures', () => {
    const failures = forgive(after(['local', 'MemoryExhausted'], ['duckdb', 'Killed']), 'local');
    const chain = chainFrom(['local', 'duckdb'], 'local');
    assert.deepEqual(route(policy(...chain), failures), { kind: 'try', backend: 'local' });
    assert.deepEqual(chainFrom(['local', 'duckdb'], 'bigquery'), ['bigquery', 'local', 'duckdb']);
  });

  test('oneLine cuts and joins', () => {
    assert.equal(oneLine(' a\n\tb ', 10), 'a b');
    assert.equal(oneLine('abcdef', 4), 'abc…');
  });
});

suite('route, for any failures', () => {
  const types = fc.constantFrom(...(Object.keys(FAILURES) as FailureType[]));
  const chains = fc.uniqueArray(fc.constantFrom(...BACKENDS), { minLength: 1 });
  const waits: FailureType[] = ['DiskFull', 'HostUnhealthy', 'MachineBusy'];

  test('ends after a bounded number of tries, never on a spent backend, and waits within its bounds', () => {
    fc.assert(
      fc.property(chains, fc.infiniteStream(types), (chain, stream) => {
        let failures: PastFailure[] = [];
        for (let tries = 0; tries <= 9 * chain.length;) {
          const decision = route(policy(...chain), failures);
          if (decision.kind === 'setAside') {
            for (const { backend, type } of failures.filter((past) => past.type === 'MemoryExhausted'))
              assert.ok(
                whyText(decision).includes(type) && decision.reason.includes(`${backend}: `),
                'memory is named',
              );
            assert.ok(decision.reason.length > 0 && !decision.reason.includes('\n'));
            return;
          }
          assert.ok(chain.includes(decision.backend!));
          if (decision.kind === 'wait') assert.ok(decision.waitMs > 0 && decision.waitMs <= 1000);
          const { value } = stream.next() as IteratorYieldResult<FailureType>;
          const type = value;
          if (!waits.includes(type)) tries += 1;
          else if (failures.find((past) => past.type === type && past.times > 30)) return;
          failures = recordFailure(failures, { backend: decision.backend, type, message: `m ${type}` });
          assert.ok(failures.length <= chain.length * Object.keys(FAILURES).length, 'the list stays short');
        }
        assert.fail('too many tries');
      }),
    );
  });
});
