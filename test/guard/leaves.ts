import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import type { TestContext } from 'node:test';

import { groupFolders, ownGroupView } from '../../src/guard/memory/hierarchy.ts';

/** The control groups that guards have made where this process would make its own. */
export function leaves(): string[] {
  return ['memory', 'freezer']
    .flatMap((controller) => groupFolders(ownGroupView(), controller))
    .flatMap(({ path }) => readdirSync(path))
    .filter((name) => name.startsWith('widemerge-guard-'));
}

/** Those of this process that were not there before are gone at the end, whatever the end. `pid`: of the guard, where that is another. */
export function watchLeaves(t: TestContext, pid: () => number = () => process.pid): void {
  t.after(() =>
    assert.deepEqual(
      leaves().filter((name) => name.split('-')[3] === String(pid())),
      [],
    ),
  );
}
