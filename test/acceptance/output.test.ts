/** The output's place: what is there is never overwritten, what cannot be written is said, names may be anything. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import type { FailureFacts } from '../../src/payloads.ts';
import type { MergeStep } from '../../src/merge/job.ts';
import { assertMerged } from '../support/compare-merged.ts';
import { merge, mergeJob, runMerge, runSteps, snapshot, temporaryFolder, visibleFiles } from '../support/merge-cli.ts';
import { runPython } from '../support/python-env.ts';
import { mountTmpfs } from '../support/tmpfs.ts';

const run = promisify(execFile);
const EXIT_FAILED = 3;
const TO_MERGED: MergeStep[] = ['discover', 'merge'];
const FROM_MERGED: MergeStep[] = ['verify', 'publish'];
const TO_VERIFIED: MergeStep[] = [...TO_MERGED, 'verify'];
const FROM_VERIFIED: MergeStep[] = ['publish'];
const EITHER = ['InputChanged', 'OutputMismatch'];
const isRoot = process.getuid?.() === 0;

describe('the output', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let sources: string;
  let untouched: Record<string, string>;
  const inFolder = (name: string): string => join(folder.path, name);
  const failMerge = async (args: string[]): Promise<FailureFacts> => {
    const { exitCode, json, stdout, stderr } = await runMerge(args, folder.lock);
    assert.equal(exitCode, EXIT_FAILED, `${stdout}${stderr}`);
    return json as FailureFacts;
  };

  before(async () => {
    folder = await temporaryFolder();
    sources = inFolder('sources');
    await runPython('write_checkpoints.py', [sources, '--files', '6', '--columns', '60', '--misaligned', '0.3']);
    untouched = await snapshot(sources);
  });
  after(async () => {
    try {
      assert.deepEqual(await snapshot(sources), untouched, 'a merge changes no source');
    } finally {
      await folder[Symbol.asyncDispose]();
    }
  });

  it('is left alone where a file of somebody else is, unless --replace is given', async () => {
    const output = inFolder('taken.parquet');
    await writeFile(output, 'somebody else wrote this');
    const failure = await failMerge([sources, '--out', output]);
    assert.equal(failure.type, 'OutputExists');
    assert.ok(failure.message.includes(output), failure.message);
    assert.equal(await readFile(output, 'utf8'), 'somebody else wrote this');
    await merge([sources, '--out', output, '--replace'], folder.lock);
    await assertMerged(sources, output);
  });

  it('of the same inputs is not made again; of other rows it is another output', async () => {
    const output = inFolder('again.parquet');
    await merge([sources, '--out', output], folder.lock);
    const { ino, mtimeMs } = await stat(output);
    await merge([sources, '--out', output], folder.lock);
    const second = await stat(output);
    assert.deepEqual([second.ino, second.mtimeMs], [ino, mtimeMs]);
    const failure = await failMerge([sources, '--out', output, '--rows', 'intersection']);
    assert.equal(failure.type, 'OutputExists');
    assert.deepEqual(
      (await visibleFiles(folder.path)).filter((name) => name.startsWith('again')),
      ['again.parquet', 'again.parquet.manifest.json'],
    );
  });

  it('in a missing folder', async () => {
    const failure = await failMerge([sources, '--out', inFolder('missing/merged.parquet')]);
    assert.equal(failure.type, 'OutputUnwritable');
    assert.ok(failure.message.includes(inFolder('missing')), failure.message);
    assert.deepEqual((await readdir(folder.path)).includes('missing'), false);
  });

  it('in a file instead of a folder', async () => {
    await writeFile(inFolder('file'), '');
    const failure = await failMerge([sources, '--out', inFolder('file/merged.parquet')]);
    assert.equal(failure.type, 'OutputUnwritable');
  });

  it('in a read-only folder', async (t) => {
    const dir = inFolder('read-only');
    await mkdir(dir);
    await using mounted = isRoot ? await mountTmpfs(dir, 'ro,size=1m') : null;
    if (isRoot && mounted === null) {
      t.skip('this machine mounts no tmpfs');
      return;
    }
    if (!isRoot) await chmod(dir, 0o555);
    const failure = await failMerge([sources, '--out', join(dir, 'merged.parquet')]);
    assert.equal(failure.type, 'OutputUnwritable');
    assert.deepEqual(await readdir(dir), []);
  });

  it('on a full disk, wherever it fills up, and merges once there is room', async (t) => {
    const reference = inFolder('roomy.parquet');
    const { bytesOut } = await merge([sources, '--out', reference], folder.lock);
    const dir = inFolder('small-disk');
    await mkdir(dir);
    await using mounted = isRoot ? await mountTmpfs(dir, 'size=64k') : null;
    if (mounted === null) {
      t.skip('only root may mount a small tmpfs');
      return;
    }
    const output = join(dir, 'merged.parquet');
    // From no room at all, over parts, output and manifest, to enough for all of them.
    const shares = [0, 0.4, 0.9, 1.02, 1.5, 2, 4];
    const ends = [];
    for (const share of shares) {
      await run('mount', ['-o', `remount,size=${64 * 1024 + Math.round(share * bytesOut)}`, dir]);
      const { exitCode, json, stdout, stderr } = await runMerge([sources, '--out', output], folder.lock);
      ends.push(exitCode);
      if (exitCode === 0) break;
      assert.equal((json as FailureFacts | null)?.type, 'DiskFull', `${share}: ${stdout}${stderr}`);
      assert.deepEqual(await visibleFiles(dir), [], `nothing is published at ${share}`);
    }
    t.diagnostic(`exit codes by room: ${ends.join(' ')}`);
    assert.ok(ends.length > 1 && ends.at(-1) === 0, ends.join(' '));
    await assertMerged(sources, output);
  });

  it('takes paths with spaces, quotes and unicode, in sources and output', async () => {
    const odd = `it's "odd" ünïcode 日本語 $HOME;'\\ %s [a]*`;
    const dir = inFolder(odd);
    await runPython('write_checkpoints.py', [dir, '--files', '5', '--columns', '50', '--misaligned', '0.4']);
    const output = inFolder(`${odd} merged.parquet`);
    const summary = await merge([dir, '--out', output], folder.lock);
    assert.equal(basename(summary.output), `${odd} merged.parquet`);
    await assertMerged(dir, output);
  });

  it('is not made of inputs that change between the steps', async (t) => {
    for (const { name, done, rest, sameTimes, types } of [
      { name: 'merge, verify', done: TO_MERGED, rest: FROM_MERGED, sameTimes: false, types: ['InputChanged'] },
      { name: 'verify, publish', done: TO_VERIFIED, rest: FROM_VERIFIED, sameTimes: false, types: ['InputChanged'] },
      // Only the bytes tell, and they cannot tell who is wrong.
      { name: 'merge, verify; old times', done: TO_MERGED, rest: FROM_MERGED, sameTimes: true, types: EITHER },
    ])
      await t.test(name, async () => {
        await using changing = await temporaryFolder();
        const dir = join(changing.path, 'sources');
        await runPython('write_checkpoints.py', [dir, '--files', '4', '--columns', '40']);
        const job = mergeJob(dir, join(changing.path, 'merged.parquet'));
        const first = await runSteps(job, done);
        assert.equal(first.exitCode, 0, `${JSON.stringify(first.failure)}${first.stderr}`);
        await changeByte(join(dir, 'checkpoint_0002.parquet'), sameTimes);
        const changed = await snapshot(dir);
        const second = await runSteps(job, rest);
        assert.equal(second.exitCode, EXIT_FAILED, second.stderr);
        assert.ok(types.includes(second.failure?.type ?? ''), JSON.stringify(second.failure));
        assert.ok(second.failure?.message.includes('checkpoint_0002.parquet'), second.failure?.message);
        assert.deepEqual(await visibleFiles(changing.path), ['sources']);
        assert.deepEqual(await snapshot(dir), changed);
      });
  });
});

/** Another value in the first page of the first column, in place. */
async function changeByte(path: string, sameTimes: boolean): Promise<void> {
  const times = `${path}.times`;
  await run('touch', ['-r', path, times]);
  const data = await readFile(path);
  data[40]! ^= 0xff;
  await writeFile(path, data);
  if (sameTimes) await run('touch', ['-r', times, path]);
  await rm(times);
}
