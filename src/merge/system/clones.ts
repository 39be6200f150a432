/** Whether a file may share the blocks of another one. */
import { open, statfs, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { WhyCopied } from '../../payloads.ts';
import { cloneRange, SystemCallError } from './libc.ts';
import { openNameless } from './nameless-file.ts';

/** linux/magic.h, of the file systems that can clone: XFS, btrfs, bcachefs, OCFS2. */
const WITH_CLONES = new Set([0x58465342, 0x9123683e, 0xca451a4e, 0x7461636f]);

/**
 * Tries it with a file that never has a name, in the folder of `outputPath` or the nearest one above that exists. Null
 * where that cannot be told: the folder may not be written to, or its file system has no such files.
 */
export async function probeClones(sourcePath: string, outputPath: string): Promise<'cloned' | WhyCopied | null> {
  const source = await open(sourcePath, 'r');
  try {
    const output = await openNamelessNear(dirname(outputPath));
    if (output === null) return null;
    try {
      const { size, blksize } = await source.stat();
      // An empty file has no blocks to share; to the kernel a length of 0 means all.
      if (size < blksize) return null;
      cloneRange(source.fd, 0, output.fd, 0, blksize);
      return 'cloned';
    } catch (error) {
      if (!(error instanceof SystemCallError)) throw error;
      return await whyNotCloned(sourcePath, error.code);
    } finally {
      await output.close();
    }
  } finally {
    await source.close();
  }
}

/** `code` is what FICLONERANGE said. */
export async function whyNotCloned(sourcePath: string, code: string): Promise<WhyCopied> {
  if (code !== 'EXDEV') return 'noClones';
  return WITH_CLONES.has((await statfs(sourcePath)).type) ? 'otherFileSystem' : 'noClones';
}

/** In the folder, or the nearest one above that exists. */
async function openNamelessNear(dir: string): Promise<FileHandle | null> {
  for (let folder = dir; ; folder = dirname(folder)) {
    try {
      return await openNameless(folder);
    } catch (error) {
      if ((error as { code?: string }).code !== 'ENOENT' || folder === dirname(folder)) return null;
    }
  }
}
