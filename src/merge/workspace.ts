import { basename, dirname, join } from 'node:path';

/** The hidden folder of working files beside an output: same folder, so the same file system, so that link() works. */
export function workspacePath(outputPath: string): string {
  return join(dirname(outputPath), `.${basename(outputPath)}.widemerge`);
}

/** Where the manifest of a published output lies. */
export function manifestPath(outputPath: string): string {
  return `${outputPath}.manifest.json`;
}

/** In the workspace: the plan for a program that merges, and what it spills. */
export function commandFolder(workspace: string): string {
  return join(workspace, 'command');
}
