import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openCrew, openHelper } from '../../../src/merge/crew/crew.ts';
import { crewSize } from '../../../src/merge/crew/crew-size.ts';
import { inParallel } from '../../../src/merge/crew/in-parallel.ts';
import { packError, unpackError } from '../../../src/merge/crew/transport.ts';
import { invalidCheckpoint } from '../../../src/merge/errors.ts';

const MIB = 1024 ** 2;

test('as many as processors and memory allow, one at least', () => {
  assert.equal(crewSize(1024 * MIB, 177_748, 2), 2);
  assert.equal(crewSize(1024 * MIB, 177_748, 1), 1);
  assert.equal(crewSize(200 * MIB, 177_748, 16), 1);
  assert.equal(crewSize(64 * MIB, 1_000, 16), 1);
  // A hundred million rows: a column of each is held.
  assert.equal(crewSize(4096 * MIB, 100_000_000, 16), 1);
});

for (const size of [1, 2])
  test(`a task's error comes back as what it was, and the crew goes on: ${size}`, async () => {
    const crew = openCrew(size);
    const task = { path: '/nowhere/c.parquet', name: 'c', columns: [], rowOf: null, rowGroupRows: [], partPaths: [] };
    for (let i = 0; i < 2 * size; i++)
      await assert.rejects(crew.run('gather', task), { code: 'ENOENT', path: '/nowhere/c.parquet' });
    await crew.close();
  });

test('a helper is given tasks ahead and does them in order; what it has not done fails with the reason of the signal', async () => {
  const task = { path: '/nowhere/c.parquet', name: 'c', columns: [], rowOf: null, rowGroupRows: [], partPaths: [] };
  const stop = new AbortController();
  const helper = openHelper(stop.signal)!;
  const ended: number[] = [];
  const codes = await Promise.all(
    [0, 1, 2].map((i) =>
      helper.run('gather', task).catch((error: unknown) => {
        ended.push(i);
        return (error as NodeJS.ErrnoException).code;
      }),
    ),
  );
  assert.deepEqual([codes, ended], [Array(3).fill('ENOENT'), [0, 1, 2]]);
  const left = [0, 1, 2].map(() => helper.run('gather', task));
  stop.abort(new Error('enough'));
  const reasons = await Promise.allSettled(left);
  assert.deepEqual(
    reasons.map((one) => one.status === 'rejected' && (one.reason as Error).message),
    Array(3).fill('enough'),
  );
  await assert.rejects(helper.run('gather', task), /enough/);
  await helper.close();
});

test('failures keep their type and place between threads', () => {
  const failure = unpackError(packError(invalidCheckpoint('a.parquet', 'is broken', 'x')));
  assert.equal(failure.name, 'CheckpointInvalid');
  assert.deepEqual((failure as Error & { facts: object }).facts, {
    type: 'CheckpointInvalid',
    message: 'a.parquet: is broken',
    file: 'a.parquet',
    column: 'x',
  });
});

test('no more than so many at once, in order; nothing is begun behind a failure', async () => {
  const begun: number[] = [];
  let [open, most] = [0, 0];
  await inParallel([...Array(7).keys()], 3, async (item) => {
    begun.push(item);
    most = Math.max(most, ++open);
    await new Promise(setImmediate);
    open--;
  });
  assert.deepEqual([begun, most], [[...Array(7).keys()], 3]);
  const failed: number[] = [];
  await assert.rejects(
    inParallel([0, 1, 2, 3], 2, async (item) => {
      failed.push(item);
      // The second fails first.
      for (let i = 0; i < 3 - item; i++) await new Promise(setImmediate);
      throw new Error(`${item}`);
    }),
    /^Error: 0$/,
  );
  assert.deepEqual(failed, [0, 1]);
});
