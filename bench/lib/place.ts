/** The folder that a bench measures in: its file system, and the room there. */
import { readFile, realpath, statfs } from 'node:fs/promises';

/** Type of the file system that the folder is on, e.g. `ext4`, as the kernel calls it. */
export async function fileSystemOf(folder: string): Promise<string> {
  const path = await realpath(folder);
  return fileSystemIn(await readFile('/proc/self/mountinfo', 'utf8'), path);
}

/** Of the lines of proc(5)'s mountinfo: the mount with the longest path at or above this one; the last of those, which hides the others. */
export function fileSystemIn(mountinfo: string, path: string): string {
  let [found, longest] = ['unknown', -1];
  for (const line of mountinfo.split('\n')) {
    const [mount = '', file = ''] = line.split(' - ');
    const point = mount
      .split(' ')[4]
      ?.replaceAll(/\\(\d{3})/g, (_, code: string) => String.fromCharCode(parseInt(code, 8)));
    const type = file.split(' ')[0];
    if (point === undefined || type === undefined || point.length < longest) continue;
    if (path === point || path.startsWith(point.endsWith('/') ? point : `${point}/`))
      [found, longest] = [type, point.length];
  }
  return found;
}

/** Bytes that this user may still write there. */
export async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}
