import { execFile } from 'node:child_process';
import { mkdir, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** What makes each file system; -m reflink=1 is the default of xfsprogs since 5.1. */
const MAKE = {
  xfs: ['mkfs.xfs', '-q', '-f', '-m', 'reflink=1'],
  btrfs: ['mkfs.btrfs', '-q', '-f'],
  ext4: ['mkfs.ext4', '-q', '-F'],
} as const;

/** Makes a file system of `bytes` in a new file, sparse: it takes what is written. */
export async function makeImage(image: string, kind: ImageFileSystem, bytes: number): Promise<void> {
  await writeFile(image, '');
  await truncate(image, bytes);
  const [program, ...flags] = MAKE[kind];
  await run(program, [...flags, image]);
}

export type ImageFileSystem = keyof typeof MAKE;

/** A file system of its own in an image file. */
export interface ImageMount extends AsyncDisposable {
  /** Where it is mounted. */
  path: string;
  /** The file that holds all its blocks. */
  image: string;
}

/**
 * Makes a file system in `dir` and mounts it; gone at the end. Null
 * where that cannot be: without root, loop devices, or the programs that make it.
 */
export async function mountImage(
  dir: string,
  kind: ImageFileSystem,
  bytes = 400 * 1024 * 1024,
): Promise<ImageMount | null> {
  const image = join(dir, `${kind}.img`);
  const path = join(dir, kind);
  await mkdir(path, { recursive: true });
  try {
    await makeImage(image, kind, bytes);
    await run('mount', ['-o', 'loop', image, path]);
  } catch {
    await rm(image, { force: true });
    return null;
  }
  return {
    path,
    image,
    [Symbol.asyncDispose]: async () => {
      await run('umount', [path]);
      await rm(image);
    },
  };
}
