import { existsSync, readdirSync, writeFileSync, type Dirent } from 'node:fs';
import { join } from 'node:path';

import { killPids, pidsBelow, removeFolders } from './group.ts';
import { isLeftOver } from './leaf-name.ts';

/** A folder of control groups is read in a twentieth of a millisecond. */
const MOST_FOLDERS = 1000;

/** Ends what guards that were killed have left in this folder of control groups, and removes what has ended. Throws where it cannot be read. */
export function sweepLeaves(parent: string): void {
  for (const name of readdirSync(parent).filter(isLeftOver)) sweepLeaf(join(parent, name));
}

/**
 * The same in a whole hierarchy, since a guard of before may have run in another group than this one. The first thousand folders are
 * looked through, the upper ones first; what cannot be read or changed is passed over.
 */
export function sweepHierarchy(root: string): void {
  const folders = [root];
  for (let index = 0; index < Math.min(folders.length, MOST_FOLDERS); index++) {
    for (const name of subfoldersOf(folders[index]!)) {
      const folder = join(folders[index]!, name);
      if (!isLeftOver(name)) folders.push(folder);
      else
        try {
          sweepLeaf(folder);
        } catch {
          continue; // Another user's.
        }
    }
  }
}

function sweepLeaf(folder: string): void {
  killPids(pidsBelow(folder));
  // A guard that died in the middle of a kill has left it frozen.
  const freezer = join(folder, 'freezer.state');
  if (existsSync(freezer)) writeFileSync(freezer, 'THAWED');
  // Where the killed have not ended yet it is for the guard after this one.
  removeFolders(folder);
}

function subfoldersOf(folder: string): string[] {
  let entries: Dirent[];
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}
