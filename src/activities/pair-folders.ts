import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { MergeError } from '../backends/backend.ts';
import { pairMatcher } from '../config/rules.ts';
import type { RunConfig } from '../payloads.ts';

/**
 * The pairs that a configuration names: its list, or the folders of `root` whose names match its pattern, sorted. Hidden
 * folders are left out unless the pattern begins with a dot. Throws MergeError ConfigInvalid where `root` cannot be read.
 */
export async function pairFolders({ root, pairs }: RunConfig): Promise<string[]> {
  if (typeof pairs !== 'string') return pairs;
  const names = await readdir(root).catch((cause: unknown) => {
    const message = `the folder of the pairs, ${root}, cannot be read: check \`root\``;
    throw new MergeError({ type: 'ConfigInvalid', message, file: root }, { cause });
  });
  const matches = pairMatcher(pairs);
  const folders: string[] = [];
  for (const name of names.toSorted()) {
    if (name.startsWith('.') && !pairs.startsWith('.')) continue;
    if (!matches(name)) continue;
    // Follows links: a link that leads out of the root is refused by name at discovery, not passed over here.
    const info = await stat(join(root, name)).catch(() => null);
    if (info?.isDirectory()) folders.push(name);
  }
  return folders;
}
