import { lstat, open } from 'node:fs/promises';
import { MergeFailure } from '../errors.ts';
import { signFooter } from '../parquet/sign-footer.ts';
import { ThriftError } from '../parquet/thrift-cursor.ts';

/**
 * Makes what a program has left at `path` ours: signs it with the plan's id and fsyncs it. Returns its bytes. Throws
 * OutputMismatch where it is not a plain Parquet file of its own: a link's other end may be anybody's, a checkpoint even.
 */
export async function takeOver(path: string, id: string, label: string): Promise<number> {
  const refuse = (what: string, cause?: unknown): MergeFailure =>
    new MergeFailure('OutputMismatch', `${label} ended well, but ${what}`, {}, { cause });
  const found = await lstat(path).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  });
  if (found === null) throw refuse('wrote no output');
  if (!found.isFile() || found.nlink > 1) throw refuse('its output is a link or no plain file');
  const handle = await open(path, 'r+');
  try {
    const size = await signFooter(handle, id);
    if (size === null) throw refuse(`its output is no whole Parquet file (${found.size} bytes)`);
    await handle.sync();
    return size;
  } catch (error) {
    if (error instanceof ThriftError) throw refuse(`its output has a broken footer: it ${error.message}`, error);
    throw error;
  } finally {
    await handle.close();
  }
}
