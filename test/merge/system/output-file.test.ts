import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { joinRanges, placeRanges, type Segment } from '../../../src/merge/parquet/layout.ts';
import { NearbyFile } from '../../../src/merge/system/nearby-file.ts';
import { OutputFile } from '../../../src/merge/system/output-file.ts';
import { mountImage } from '../../support/image-mount.ts';
import { temporaryFolder } from '../../support/merge-cli.ts';
import { mountTmpfs } from '../../support/tmpfs.ts';

const run = promisify(execFile);
const BLOCK = 4096;
const HEAD = Buffer.from('PAR1');
const TAIL = randomBytes(10_001);
/** Longer than the writer's buffers together, and no whole number of blocks. */
const SOURCE = randomBytes(23 * 1024 * 1024 + 777);

const SECOND = { start: 30_000, length: 77 };

/** Small and large ranges, at the very end, with gaps below and above a block, and one of many buffers. */
const RANGES = [
  { start: 4, length: 5000 },
  { start: 5300, length: 1 },
  { start: 20_000, length: 4096 },
  { start: 40_960, length: 8192 },
  { start: 100_000, length: 19 * 1024 * 1024 },
  { start: 21 * 1024 * 1024 + 5, length: 300_000 },
  { start: SOURCE.length - 4321, length: 4321 },
];

function plan(): { segments: (Segment & { alone: boolean })[]; end: number } {
  const [first, ...others] = joinRanges(RANGES);
  // As those of a key of two columns: close together, and with the same places in their blocks as in the source.
  const keys = placeRanges([first!, SECOND], HEAD.length, 1);
  const rest = placeRanges(others, keys.end, BLOCK);
  const all = [...keys.segments, ...rest.segments];
  return { segments: all.map((segment, i) => ({ ...segment, alone: i > 1 })), end: rest.end };
}

/** Writes the ranges of `dir`/source to `dir`/output and checks each of them. */
async function write(sourceDir: string, outputDir: string): Promise<{ bytes: Buffer; cloned: number; copied: number }> {
  const sourcePath = join(sourceDir, 'source');
  await writeFile(sourcePath, SOURCE);
  using source = new NearbyFile(sourcePath);
  const outputPath = join(outputDir, 'output');
  const { segments, end } = plan();
  let reported = 0;
  await using output = await OutputFile.create(outputPath, BLOCK);
  for (const segment of segments) await output.place(source, segment, undefined, (bytes) => (reported += bytes));
  const tail = await output.beginTail(end);
  await tail.append(TAIL.subarray(0, 5000));
  await tail.append(TAIL.subarray(5000));
  const size = await output.finish(HEAD, tail);
  assert.equal((await stat(outputPath)).size, size);
  assert.equal(
    reported,
    segments.reduce((sum, { length }) => sum + length, 0),
  );
  const bytes = await readFile(outputPath);
  assert.deepEqual(bytes.subarray(0, HEAD.length), HEAD);
  assert.deepEqual(bytes.subarray(end), TAIL);
  for (const { start, length, target } of segments)
    assert.ok(bytes.subarray(target, target + length).equals(SOURCE.subarray(start, start + length)), `${start}`);
  return { bytes, cloned: output.bytesCloned, copied: output.bytesCopied };
}

async function here(): Promise<{ path: string; bytes: Buffer } & AsyncDisposable> {
  const folder = await temporaryFolder();
  const { bytes, cloned, copied } = await write(folder.path, folder.path);
  assert.ok(cloned + copied >= bytes.length - 2 * BLOCK * RANGES.length);
  return { path: folder.path, bytes, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

test('ranges of a source come into one file, whatever the file system here', async () => {
  await using copied = await here();
  assert.ok(copied.bytes.length > 0);
});

for (const kind of ['xfs', 'btrfs', 'ext4'] as const)
  test(`on ${kind} the bytes are the same${kind === 'ext4' ? '' : ', and their blocks are the source’s'}`, async (t) => {
    await using copied = await here();
    await using mount = await mountImage(copied.path, kind);
    if (mount === null) {
      t.skip(`a file system ${kind} cannot be made and mounted here`);
      return;
    }
    const other = await write(mount.path, mount.path);
    assert.ok(other.bytes.equals(copied.bytes));
    assert.equal(other.cloned > 0.99 * (other.cloned + other.copied), kind !== 'ext4');
  });

for (const kind of ['xfs', 'btrfs'] as const)
  test(`on ${kind}, ranges that can be cloned between others that cannot`, async (t) => {
    await using folder = await temporaryFolder();
    await using mount = await mountImage(folder.path, kind);
    if (mount === null) {
      t.skip(`a file system ${kind} cannot be made and mounted here`);
      return;
    }
    const paths = [join(folder.path, 'source'), join(mount.path, 'source')];
    for (const path of paths) await writeFile(path, SOURCE);
    using foreign = new NearbyFile(paths[0]!);
    using own = new NearbyFile(paths[1]!);
    const { segments, end } = plan();
    await using output = await OutputFile.create(join(mount.path, 'output'), BLOCK);
    for (const [i, segment] of segments.entries())
      await output.place(i % 2 === 0 ? own : foreign, segment, undefined, () => undefined);
    await output.finish(HEAD, await output.beginTail(end));
    const bytes = await readFile(join(mount.path, 'output'));
    for (const { start, length, target } of segments)
      assert.ok(bytes.subarray(target, target + length).equals(SOURCE.subarray(start, start + length)), `${start}`);
  });

/** Has no direct writes; the kernel copies from one of its files to another, and not into it from elsewhere. */
async function mountRamfs(t: TestContext, dir: string): Promise<AsyncDisposable | null> {
  await mkdir(dir);
  const mounted = await run('mount', ['-t', 'ramfs', 'widemerge-test', dir]).then(
    () => true,
    () => false,
  );
  if (!mounted) t.skip('ramfs may not be mounted here');
  const unmount = async (): Promise<void> => {
    await run('umount', [dir]);
  };
  return mounted ? { [Symbol.asyncDispose]: unmount } : null;
}

test('without direct writes the kernel copies, or this process does, and the bytes are the same', async (t) => {
  await using copied = await here();
  const dir = join(copied.path, 'ramfs');
  await using mounted = await mountRamfs(t, dir);
  if (mounted === null) return;
  assert.ok((await write(dir, dir)).bytes.equals(copied.bytes));
  assert.ok((await write(copied.path, dir)).bytes.equals(copied.bytes));
});

test('a disk that fills up fails with ENOSPC, whichever write meets it', async (t) => {
  await using folder = await temporaryFolder();
  const dir = join(folder.path, 'small');
  await mkdir(dir);
  await using mounted = await mountTmpfs(dir, 'size=9m');
  if (mounted === null) {
    t.skip('tmpfs may not be mounted here');
    return;
  }
  await assert.rejects(write(folder.path, dir), { code: 'ENOSPC' });
});

test('aborted, it stops with the reason', async () => {
  await using folder = await temporaryFolder();
  await writeFile(join(folder.path, 'source'), SOURCE);
  using source = new NearbyFile(join(folder.path, 'source'));
  await using output = await OutputFile.create(join(folder.path, 'output'), BLOCK);
  const reason = new Error('stopped');
  const [segment] = plan().segments;
  await assert.rejects(
    output.place(source, segment!, AbortSignal.abort(reason), () => undefined),
    reason,
  );
});
