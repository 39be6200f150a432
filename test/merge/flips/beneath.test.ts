/**
 * The page cache has what was written, the disk has something else: bits are flipped in the image of a file system, beneath it. What is
 * verified is what is on the disk.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, open, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { MergeMessage } from '../../../src/merge/job.ts';
import { readManifest } from '../../../src/merge/manifest.ts';
import { runSteps } from '../../../src/merge/steps.ts';
import { manifestPath, workspacePath } from '../../../src/merge/workspace.ts';
import { flipBit } from '../../support/flip-bit.ts';
import { findInImage, openLoopDisk } from '../../support/loop-disk.ts';
import { mergeJob } from '../../support/parquet-by-sql.ts';
import { mountTmpfs } from '../../support/tmpfs.ts';
import { isRewritten, writePair } from './pair.ts';
import { drawFlips, placesOf, type Flip } from './places.ts';

const silent = (): void => undefined;
const WANTED = /^(copied chunk|key|aligned part), pages|^footer, (statistics: max|metadata: value)/;
/** Long enough to stand once on the disk. */
const NEEDLE = 48;

/** Several places of each kind: not every one can be told from all others by what stands there. */
async function drawIn(path: string, seed: number): Promise<Flip[]> {
  const places = await placesOf(path, isRewritten);
  const own = new Map([...places].filter(([kind]) => WANTED.test(kind)));
  return drawFlips(own, 3 * own.size, seed);
}

/** Turns a bit of a file over in the image of its disk. Returns where; null where it cannot be told which place is the file's. */
async function flipBeneath(image: string, content: Buffer, { position, bit }: Flip): Promise<number | null> {
  // Within one block, since the next one may lie anywhere.
  const start = Math.min(position, Math.floor(position / 4096) * 4096 + 4096 - NEEDLE);
  const [place, ...others] = await findInImage(image, content.subarray(start, start + NEEDLE));
  if (place === undefined || others.length > 0) return null;
  await flipBit(image, place + position - start, bit);
  return place + position - start;
}

async function keepMapped(path: string): Promise<AsyncDisposable & { pid: number }> {
  const script = join(import.meta.dirname, '..', '..', 'fixtures', 'maps_file.py');
  const child = spawn('python3', [script, path], { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return {
    pid: child.pid!,
    [Symbol.asyncDispose]: async () => {
      child.stdin.end();
      await once(child, 'close');
    },
  };
}

for (const format of ['ext4', 'xfs', 'btrfs'] as const)
  test(`${format}: what the disk has lost is found although the page cache has it and cannot forget it`, async (t) => {
    const disk = await openLoopDisk(t, format);
    if (disk === null) return;
    const { folder, sources } = await writePair(t);
    const output = join(disk.dir, 'merged.parquet');
    const job = mergeJob(sources, output);
    await runSteps({ ...job, steps: ['discover', 'merge'] }, silent);
    const written = join(workspacePath(output), 'output.parquet');
    const draftPath = join(workspacePath(output), 'draft.json');
    const [content, draft] = [await readFile(written), await readFile(draftPath)];
    await using reader = await keepMapped(written);
    t.diagnostic(`process ${reader.pid} has the output mapped`);
    let flips = 0;
    for (const flip of await drawIn(written, 3)) {
      await readFile(written);
      const place = await flipBeneath(disk.image, content, flip);
      if (place === null) continue;
      flips++;
      // The kernel still has what was written, and says so to whoever asks.
      assert.ok((await readFile(written)).equals(content), flip.kind);
      await assert.rejects(
        runSteps({ ...job, steps: ['verify', 'publish'] }, silent),
        { name: 'OutputMismatch' },
        flip.kind,
      );
      await assert.rejects(stat(output), { code: 'ENOENT' });
      assert.ok((await readFile(written)).equals(content), `${flip.kind}: the reader's pages stayed`);
      await flipBit(disk.image, place, flip.bit);
      await writeFile(draftPath, draft);
    }
    assert.ok(flips >= 4, `${flips} places were to be found in the image`);
    t.diagnostic(`${flips} bits beneath the page cache, all found`);

    await runSteps({ ...job, steps: ['verify', 'publish'] }, silent);
    let place: number | null = null;
    for (const flip of await drawIn(output, 4)) place ??= await flipBeneath(disk.image, content, flip);
    assert.ok(place !== null);
    await assert.rejects(runSteps({ ...job, steps: ['recheck'] }, silent), { name: 'OutputMismatch' });
    assert.ok((await readdir(folder)).includes('sources'));
  });

test('what lies in memory is not called what is on the disk', async (t) => {
  const { folder, sources } = await writePair(t);
  const dir = join(folder, 'memory');
  await mkdir(dir);
  await using memory = await mountTmpfs(dir, 'size=64m');
  if (memory === null) {
    t.skip('no tmpfs can be mounted here');
    return;
  }
  const output = join(dir, 'merged.parquet');
  const job = mergeJob(sources, output);
  await runSteps(job, silent);
  assert.equal((await readManifest(manifestPath(output)))!.verification!.medium, 'memory');
  const messages: MergeMessage[] = [];
  await runSteps({ ...job, steps: ['recheck'] }, (message) => messages.push(message));
  const last = messages.at(-1)!;
  assert.equal(last.event === 'rechecked' && last.check.medium, 'memory');
});

test('XFS: a checkpoint that is changed after it was cloned does not reach the output, and is found', async (t) => {
  const disk = await openLoopDisk(t, 'xfs');
  if (disk === null) return;
  const { sources: elsewhere } = await writePair(t);
  const sources = join(disk.dir, 'sources');
  await mkdir(sources);
  await cp(elsewhere, sources, { recursive: true, preserveTimestamps: true });
  const output = join(disk.dir, 'merged.parquet');
  const job = mergeJob(sources, output);
  await runSteps({ ...job, steps: ['discover', 'merge'] }, silent);
  const written = join(workspacePath(output), 'output.parquet');
  const draft = await readManifest(join(workspacePath(output), 'draft.json'));
  assert.ok(draft!.figures.bytesCloned > 0, 'blocks are shared');
  const content = await readFile(written);
  const path = join(sources, 'b.parquet');
  const { atime, mtime } = await stat(path);
  const places = await placesOf(path, isRewritten);
  const [flip] = drawFlips(new Map([['copied chunk, pages', places.get('copied chunk, pages')!]]), 1, 5);
  await flipBit(path, flip!.position, flip!.bit);
  await utimes(path, atime, mtime);
  await syncFile(path);
  await disk.mountAgain();
  assert.ok((await readFile(written)).equals(content), 'the output has the blocks as they were');
  await assert.rejects(runSteps({ ...job, steps: ['verify', 'publish'] }, silent), { name: 'OutputMismatch' });
  await assert.rejects(stat(output), { code: 'ENOENT' });
});

async function syncFile(path: string): Promise<void> {
  const handle = await open(path, 'r+');
  await handle.sync();
  await handle.close();
}
