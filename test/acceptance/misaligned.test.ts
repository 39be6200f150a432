/** Every file misaligned: killed in the middle it goes on from its parts, and it keeps within a small limit of memory. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { after, before, test } from 'node:test';
import { writeSamples } from '../../src/cli/samples/write.ts';
import { workspacePath } from '../../src/merge/workspace.ts';
import { assertMerged } from '../support/compare-merged.ts';
import { merge, mergeJob, runSteps, temporaryFolder } from '../support/merge-cli.ts';

const FILES = 16;
const PROCESS = join(import.meta.dirname, '..', '..', 'src', 'merge', 'process.ts');
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let sources: string;
before(async () => {
  folder = await temporaryFolder();
  const request = { out: join(folder.path, 'sets'), pairs: ['P'], files: FILES, columns: 25, rows: 40_000, seed: 3 };
  await writeSamples({ ...request, misaligned: { share: 1, pairs: null }, broken: [] }, () => undefined);
  sources = join(folder.path, 'sets', 'P');
});
after(() => folder[Symbol.asyncDispose]());

test('killed while it aligns: the parts that are on disk are taken, and the output is that of a merge in peace', async () => {
  const output = join(folder.path, 'killed.parquet');
  const job = mergeJob(sources, output);
  const parts = join(workspacePath(output), 'parts');
  const sealed = async (): Promise<string[]> =>
    (await readdir(parts).catch(() => [])).filter((name) => name.endsWith('.ok')).map((name) => name.slice(0, -3));

  const child = spawn(process.execPath, [PROCESS], { stdio: ['pipe', 'ignore', 'inherit', 'pipe'] });
  const ended = new Promise((resolve) => child.once('close', resolve));
  (child.stdio[3] as Readable).resume();
  child.stdin!.write(`${JSON.stringify({ ...job, steps: ['discover', 'merge'] })}\n`);
  while ((await sealed()).length < 3) await new Promise((resolve) => setTimeout(resolve, 5));
  child.kill('SIGKILL');
  await ended;
  const kept = await sealed();
  assert.ok(kept.length >= 3 && kept.length < FILES, `${kept.length} parts`);
  const inode = async (name: string): Promise<number> => (await stat(join(parts, name))).ino;
  const before = await Promise.all(kept.map(inode));

  const resumed = await runSteps(job, ['discover', 'merge']);
  assert.equal(resumed.exitCode, 0, resumed.stderr);
  assert.deepEqual(await Promise.all(kept.map(inode)), before);
  const peaceful = join(folder.path, 'peaceful.parquet');
  // With memory for one at a time: who is at work beside does not matter either.
  const other = await runSteps(mergeJob(sources, peaceful, { memoryBytes: 150 * 1024 ** 2 }), ['discover', 'merge']);
  assert.equal(other.exitCode, 0, other.stderr);
  const bytesOf = (path: string): Promise<Buffer> => readFile(join(workspacePath(path), 'output.parquet'));
  assert.ok((await bytesOf(output)).equals(await bytesOf(peaceful)));
  for (const path of [output, peaceful]) await rm(workspacePath(path), { recursive: true });
});

test('within 300 MiB, of all processes, verified by value: every value is right', async (t) => {
  const output = join(folder.path, 'small.parquet');
  const summary = await merge([sources, '--out', output, '--memory', '300MiB'], folder.lock);
  t.diagnostic(`peak ${Math.round(summary.peakRssBytes / 2 ** 20)} MiB resident, this command included`);
  assert.equal(summary.realigned, FILES);
  await assertMerged(sources, output);
});
