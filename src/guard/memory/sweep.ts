import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { killPids, pidsBelow, removeFolders } from './group.ts';
import { isLeftOver } from './leaf-name.ts';

/** Ends what guards that were killed have left in this folder of control groups, and removes what has ended. Throws where it cannot be read. */
export function sweepLeaves(parent: string): void {
  for (const name of readdirSync(parent).filter(isLeftOver)) {
    const folder = join(parent, name);
    killPids(pidsBelow(folder));
    // A guard that died in the middle of a kill has left it frozen.
    const freezer = join(folder, 'freezer.state');
    if (existsSync(freezer)) writeFileSync(freezer, 'THAWED');
    // Where the killed have not ended yet it is for the guard after this one.
    removeFolders(folder);
  }
}
