/**
 * What cannot be merged is refused: one clear line, a type and a place; nothing is published, nothing is deleted.
 * The broken checkpoints are made by support/broken_checkpoints.py; kinds of keys, types and encryption are in test/formats.
 */
import assert from 'node:assert/strict';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { FailureFacts } from '../../src/payloads.ts';
import { assertMerged } from '../support/compare-merged.ts';
import { mergeJob, runMerge, runSteps, snapshot, temporaryFolder, visibleFiles } from '../support/merge-cli.ts';
import type { MergeRun } from '../support/merge-cli.ts';
import { runPythonJson } from '../support/python-env.ts';

interface Expected {
  file: string | null;
  column: string | null;
  says: string[];
}

const EXIT_FAILED = 3;

/** One JSON object at the end of standard output, of the failure's fields only, with a message of one line. */
function failureOf(run: MergeRun): FailureFacts {
  assert.equal(run.exitCode, EXIT_FAILED, `${run.stdout}${run.stderr}`);
  const failure = run.json as FailureFacts;
  assert.equal(typeof failure.type, 'string', run.stdout);
  const fields = ['type', 'message', 'file', 'column', 'peakBytes'];
  assert.deepEqual(
    Object.keys(failure).filter((name) => !fields.includes(name)),
    [],
  );
  assert.ok(failure.message.length > 10 && !failure.message.includes('\n'), failure.message);
  assert.ok(!/\bat .*\.ts:\d/.test(run.stderr), `a stack is no clear line: ${run.stderr}`);
  return failure;
}

describe('bad input', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let cases: Record<string, Expected>;

  before(async () => {
    folder = await temporaryFolder();
    cases = await runPythonJson<Record<string, Expected>>('broken_checkpoints.py', [join(folder.path, 'cases')]);
  });
  after(() => folder[Symbol.asyncDispose]());

  it('every broken checkpoint is named, and nothing is written or deleted', { concurrency: 2 }, async (t) => {
    const tests = Object.entries(cases).map(([name, expected]) =>
      t.test(name, async () => {
        const sources = join(folder.path, 'cases', name);
        const out = join(folder.path, 'out', name);
        await mkdir(out, { recursive: true });
        const before = await snapshot(sources);
        const output = join(out, 'merged.parquet');
        const run = await runMerge([sources, '--out', output], join(out, '.lock'));
        assert.deepEqual(await snapshot(sources), before);
        const failure = failureOf(run);
        assert.equal(failure.type, 'CheckpointInvalid');
        if (expected.file !== null) {
          assert.equal(failure.file?.split('/').at(-1), expected.file, failure.message);
          assert.ok(failure.message.includes(expected.file), failure.message);
        }
        if (expected.column !== null) assert.equal(failure.column, expected.column, failure.message);
        for (const word of expected.says) assert.ok(failure.message.includes(word), failure.message);
        assert.deepEqual(await visibleFiles(out), []);
      }),
    );
    await Promise.all(tests);
  });

  it('a folder of checkpoints that is not there', async () => {
    const missing = join(folder.path, 'nowhere');
    const run = await runMerge([missing, '--out', join(folder.path, 'x.parquet')], folder.lock);
    const failure = failureOf(run);
    assert.equal(failure.type, 'CheckpointInvalid');
    assert.ok(failure.message.includes(missing), failure.message);
  });

  it('fewer checkpoints than expected', async () => {
    const sources = join(folder.path, 'cases', 'same-column');
    const output = join(folder.path, 'fewer.parquet');
    const job = mergeJob(sources, output);
    const { exitCode, failure } = await runSteps({ ...job, source: { ...job.source, expected: 4 } }, job.steps);
    assert.equal(exitCode, EXIT_FAILED);
    assert.equal(failure?.type, 'CheckpointInvalid');
    assert.match(failure.message, /\b3\b.*\b4\b|\b4\b.*\b3\b/);
    assert.deepEqual(
      (await visibleFiles(folder.path)).filter((name) => name.startsWith('fewer')),
      [],
    );
  });

  for (const [way, target] of [
    ['a symlink', 'file'],
    ['a folder that is a symlink', 'folder'],
    ['..', 'dots'],
  ] as const)
    it(`${way} out of the configured root`, async () => {
      const root = join(folder.path, `root-${target}`);
      const outside = join(folder.path, 'cases', 'no-key');
      await mkdir(root);
      let dir = join(root, 'PAIR');
      if (target === 'folder') await symlink(outside, dir);
      else if (target === 'dots') dir = `${root}/../cases/no-key`;
      else {
        await mkdir(dir);
        await symlink(join(outside, 'a.parquet'), join(dir, 'a.parquet'));
      }
      const job = mergeJob(dir, join(root, 'out.parquet'));
      const { exitCode, failure, stderr } = await runSteps({ ...job, source: { ...job.source, root } }, job.steps);
      assert.equal(exitCode, EXIT_FAILED, stderr);
      assert.equal(failure?.type, 'CheckpointInvalid');
      assert.match(failure.message, /outside|out of|beyond|leaves/);
    });

  it('wrong usage ends with 2', async () => {
    const sources = join(folder.path, 'cases', 'no-key');
    for (const args of [
      [sources],
      [sources, '--out', 'x.parquet', '--rows', 'some'],
      [sources, '--out', 'x.parquet', '--memory', 'much'],
      [sources, '--out', 'x.parquet', '--unheard-of'],
    ])
      assert.equal((await runMerge(args, folder.lock)).exitCode, 2, args.join(' '));
  });

  it('a stranger among the checkpoints is not read', async () => {
    const sources = join(folder.path, 'strangers');
    await runPythonJson('write_checkpoints.py', [sources, '--files', '4', '--columns', '12']);
    await writeFile(join(sources, 'notes.txt'), 'not a checkpoint');
    await mkdir(join(sources, 'folder.parquet.d'));
    const output = join(folder.path, 'strangers.parquet');
    const run = await runMerge([sources, '--out', output], folder.lock);
    assert.equal(run.exitCode, 0, run.stderr);
    await assertMerged(sources, output);
  });
});
