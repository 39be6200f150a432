import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What a process is told of its control groups: its /proc/PID/cgroup, and a mountinfo(5). Tests give others than this machine's. */
export interface GroupView {
  membership: string;
  mounts: string;
}

/** A folder of a control group, as this process sees it. */
export interface GroupFolder {
  path: string;
  version: 1 | 2;
  /** Folder that the hierarchy, or the part of it that is seen from here, begins with. */
  mount: string;
  /** Whether a folder beside it lies within the same mount. */
  hasParent: boolean;
}

export function ownGroupView(): GroupView {
  return { membership: readText('/proc/self/cgroup') ?? '', mounts: readText('/proc/self/mountinfo') ?? '' };
}

/** Where the groups of this controller are; of version 2 the one group, whatever its controllers. */
export function groupFolders({ membership, mounts }: GroupView, controller: string): GroupFolder[] {
  const folders: GroupFolder[] = [];
  for (const line of membership.split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) continue;
    const isUnified = controllers === '';
    if (!isUnified && !controllers.split(',').includes(controller)) continue;
    for (const { root, point, type, options } of parseMounts(mounts)) {
      if (isUnified ? type !== 'cgroup2' : type !== 'cgroup' || !options.includes(controller)) continue;
      // A container that sees only its own part of the hierarchy may still be told its full path.
      const inside = root !== '/' && `${path}/`.startsWith(`${root}/`) ? path.slice(root.length) : path;
      const folder = join(point, inside);
      folders.push({
        path: folder,
        version: isUnified ? 2 : 1,
        mount: point,
        hasParent: dirname(folder).startsWith(point),
      });
    }
  }
  return folders;
}

function parseMounts(mounts: string): { root: string; point: string; type: string; options: string[] }[] {
  return mounts.split('\n').flatMap((line) => {
    const [before = '', after = ''] = line.split(' - ');
    const [, , , root, point] = before.split(' ');
    const [type, , options] = after.split(' ');
    if (root === undefined || point === undefined || type === undefined) return [];
    return [{ root: unescape(root), point: unescape(point), type, options: (options ?? '').split(',') }];
  });
}

/** mountinfo(5) writes spaces and the like as octal numbers. */
function unescape(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

export function readText(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}
