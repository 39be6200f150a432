import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { promisify } from 'node:util';
import type { Extent } from '../../../src/merge/system/extents.ts';
import { ExtentMap } from '../../../src/merge/system/extents.ts';
import { sameBlocks, SharedBlocks } from '../../../src/merge/system/shared-blocks.ts';
import { mountImage } from '../../support/image-mount.ts';
import { temporaryFolder } from '../../support/merge-cli.ts';

const run = promisify(execFile);
const MIB = 1024 * 1024;
const BLOCK = 4096;

const extent = (start: number, length: number, physical: number, shared = true): Extent => ({
  start,
  length,
  physical: BigInt(physical),
  shared,
});

test('ranges lie in the same blocks only where every byte does, however the extents are cut', () => {
  const source = [extent(0, 8192, 100_000), extent(8192, 8192, 300_000)];
  const output = [extent(40_960, 4096, 100_000), extent(45_056, 4096, 104_096), extent(49_152, 8192, 300_000)];
  const same = (others: Extent[], start: number, length: number): boolean =>
    sameBlocks(source, others, { start, otherStart: 40_960 + start, length });
  assert.equal(same(output, 0, 16_384), true);
  assert.equal(same(output, 10, 16_000), true);
  assert.equal(same(output, 8191, 2), true);
  assert.equal(same(output, 8191, 9000), false, 'beyond the last extent');
  assert.equal(same(output.slice(0, 2), 0, 8193), false, 'a hole');
  assert.equal(same(output.with(1, extent(45_056, 4096, 104_097)), 0, 8192), false, 'another place');
  assert.equal(same(output.with(1, extent(45_056, 4096, 104_096, false)), 0, 8192), false, 'nobody shares it');
});

for (const kind of ['xfs', 'btrfs'] as const)
  test(`on ${kind} clones are known from copies, and from what was written since`, async (t) => {
    await using folder = await temporaryFolder();
    await using mount = await mountImage(folder.path, kind);
    if (mount === null) {
      t.skip(`a file system ${kind} cannot be made and mounted here`);
      return;
    }
    const path = (name: string): string => join(mount.path, name);
    await writeFile(path('source'), randomBytes(8 * MIB + 5));
    await run('cp', ['--reflink=always', path('source'), path('clone')]);
    await run('cp', ['--reflink=never', path('source'), path('copy')]);
    const [source, clone, copy] = await Promise.all(['source', 'clone', 'copy'].map((name) => open(path(name), 'r+')));
    const hold = (other: typeof source, start: number, length: number): boolean =>
      new SharedBlocks(new ExtentMap(source!.fd), new ExtentMap(other!.fd)).holdBoth(start, start, length);
    assert.equal(hold(clone, 0, 8 * MIB + 5), true);
    assert.equal(hold(copy, 0, BLOCK), false);

    // Still in memory only: the kernel is told to write it before it is asked.
    await clone!.write(Buffer.from('x'), 0, 1, 3 * MIB + 17);
    assert.equal(hold(clone, 0, 3 * MIB), true);
    assert.equal(hold(clone, 3 * MIB, BLOCK), false);
    assert.equal(hold(clone, 3 * MIB + BLOCK, 4 * MIB), true);
    await source!.write(Buffer.from('x'), 0, 1, 5 * MIB);
    assert.equal(hold(clone, 5 * MIB, BLOCK), false);
    await Promise.all([source, clone, copy].map((handle) => handle!.close()));
  });

test('what btrfs has compressed is not taken for shared, and tmpfs does not tell', async (t) => {
  await using folder = await temporaryFolder();
  await using mount = await mountImage(folder.path, 'btrfs');
  if (mount === null) {
    t.skip('a file system btrfs cannot be made and mounted here');
    return;
  }
  await run('mount', ['-o', 'remount,compress-force=zstd', mount.path]);
  await writeFile(join(mount.path, 'source'), Buffer.alloc(MIB, 'compressible'));
  await run('sync', ['-f', mount.path]);
  await run('cp', ['--reflink=always', join(mount.path, 'source'), join(mount.path, 'clone')]);
  const source = await open(join(mount.path, 'source'));
  const clone = await open(join(mount.path, 'clone'));
  assert.equal(new SharedBlocks(new ExtentMap(source.fd), new ExtentMap(clone.fd)).holdBoth(0, 0, MIB), false);
  const memory = await open('/dev/shm', 'r');
  assert.equal(new SharedBlocks(new ExtentMap(memory.fd), new ExtentMap(memory.fd)).holdBoth(0, 0, 1), false);
  await Promise.all([source, clone, memory].map((handle) => handle.close()));
});
