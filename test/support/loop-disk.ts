/** A file system of its own in an image file, on a loop device: one that can be damaged beneath, and lose its power. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { TestContext } from 'node:test';
import { makeImage, type ImageFileSystem } from './image-mount.ts';

const run = promisify(execFile);
const MIB = 2 ** 20;
const SIZES: Record<ImageFileSystem, number> = { ext4: 128 * MIB, xfs: 320 * MIB, btrfs: 256 * MIB };

export interface LoopDisk {
  /** Where it is mounted. */
  dir: string;
  readonly image: string;
  /** Without a warning to whatever is still to be written: as when the power goes. XFS only. */
  cutPower(): Promise<void>;
  /** After a cut, or to begin without a page cache. */
  mountAgain(): Promise<void>;
}

/** Mounted until the test ends; null, and a line, where this machine or user cannot. */
export async function openLoopDisk(t: TestContext, format: ImageFileSystem): Promise<LoopDisk | null> {
  const folder = await mkdtemp(join(tmpdir(), 'widemerge-disk-'));
  let [image, options] = [join(folder, 'image'), 'loop'];
  const dir = join(folder, 'mounted');
  const mount = (): Promise<unknown> => run('mount', ['-o', options, image, dir]);
  let isMounted = false;
  let isCut = false;
  t.after(async () => {
    if (isMounted) await run('umount', [dir]);
    await rm(folder, { recursive: true, force: true });
  });
  try {
    await mkdir(dir);
    await makeImage(image, format, SIZES[format]);
    await mount();
    isMounted = true;
  } catch (error) {
    t.skip(`no ${format} can be mounted here: ${String(error).split('\n')[0]}`);
    return null;
  }
  return {
    dir,
    get image() {
      return image;
    },
    cutPower: async () => {
      await run('xfs_io', ['-x', '-c', 'shutdown', dir]);
      isCut = true;
    },
    mountAgain: async () => {
      await run('umount', [dir]);
      isMounted = false;
      if (isCut) {
        // Another mount namespace may keep the dead file system, which the same image would only bring back.
        await run('cp', ['--sparse=always', image, `${image}+`]);
        await rm(image);
        [image, options, isCut] = [`${image}+`, 'loop,nouuid', false];
      }
      await mount();
      isMounted = true;
    },
  };
}

const WINDOW = 8 * MIB;

/** Every place of the image where `needle` stands. */
export async function findInImage(image: string, needle: Buffer): Promise<number[]> {
  const handle = await open(image, 'r');
  try {
    const { size } = await handle.stat();
    const buffer = Buffer.alloc(WINDOW + needle.length);
    const places: number[] = [];
    for (let start = 0; start < size; start += WINDOW) {
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, start);
      const window = buffer.subarray(0, bytesRead);
      for (let at = window.indexOf(needle); at >= 0 && at < WINDOW; at = window.indexOf(needle, at + 1))
        places.push(start + at);
    }
    return places;
  } finally {
    await handle.close();
  }
}
