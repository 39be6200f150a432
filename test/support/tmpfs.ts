import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A tmpfs at an existing folder that is gone at the end; null where it may not be mounted. */
export async function mountTmpfs(dir: string, options: string): Promise<AsyncDisposable | null> {
  const mounted = await run('mount', ['-t', 'tmpfs', '-o', options, 'widemerge-test', dir]).then(
    () => true,
    () => false,
  );
  const unmount = async (): Promise<void> => {
    await run('umount', [dir]);
  };
  return mounted ? { [Symbol.asyncDispose]: unmount } : null;
}
