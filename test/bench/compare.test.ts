/** Real processes under the guard: one that does what it is to do, one that eats memory, one that makes something else. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { compare, type Comparison } from '../../bench/lib/compare.ts';
import type { Contender } from '../../bench/lib/contender.ts';

const contender = (id: string, script: string): Contender => ({
  ...{ id, name: id, isParquet: false, spills: false, trustsOrder: false, env: {} },
  // Beside other tests: the lock of the machine's merges is not for these.
  takesLock: true,
  argv: ({ output }) => ['sh', '-c', script, 'sh', output],
});
const COPY = contender('copy', 'echo merged > "$1"; echo spilled > "$TMPDIR/file"; echo \'{"ms": 7}\' >&3');
const GREEDY = contender(
  'greedy',
  `exec "${process.execPath}" -e 'const a = []; for (;;) a.push(Buffer.alloc(1e7, 1))'`,
);

describe('contenders side by side', () => {
  let work: string;
  let base: Omit<Comparison, 'contenders' | 'check'>;
  before(async () => {
    work = await mkdtemp(join(tmpdir(), 'bench-compare-'));
    base = {
      ...{ sources: work, work, rounds: 2, spillBytes: 0, repeatBelowMs: 60_000 },
      ...{ memoryBytes: 150e6, timeoutMs: 60_000, signal: new AbortController().signal },
    };
  });
  after(() => rm(work, { recursive: true, force: true }));

  it('run in turn; whoever does not end well is not run again, and nothing of anybody is left', async () => {
    const order: string[] = [];
    const [copies, greedy] = await compare({
      ...{ ...base, contenders: [COPY, GREEDY] },
      check: async (output) => assert.equal(await readFile(output, 'utf8'), 'merged\n'),
      onRun: ({ id }) => order.push(id),
    });
    assert.deepEqual(order, ['copy', 'greedy', 'copy']);
    assert.deepEqual(
      copies!.map(({ outcome, toldMs, outputBytes }) => ({ outcome, toldMs, outputBytes })),
      Array.from({ length: 2 }, () => ({ outcome: 'succeeded', toldMs: 7, outputBytes: 7 })),
    );
    assert.equal(greedy!.length, 1);
    assert.equal(greedy![0]!.outcome, 'memory-exhausted');
    assert.ok(greedy![0]!.peakBytes > 50e6, `${greedy![0]!.peakBytes}`);
    assert.deepEqual(await readdir(work), []);
  });

  it('an output that is not what it should be ends the bench, and is gone, too', async () => {
    const check = (): Promise<void> => Promise.reject(new Error('3 rows, where 4 are wanted'));
    await assert.rejects(compare({ ...base, contenders: [COPY], check }), /3 rows, where 4 are wanted/);
    assert.deepEqual(await readdir(work), []);
  });

  it('who took too long is not run again', async () => {
    const check = (): Promise<void> => Promise.resolve();
    const [copies] = await compare({ ...base, contenders: [COPY], check, repeatBelowMs: 0 });
    assert.equal(copies!.length, 1);
  });
});
