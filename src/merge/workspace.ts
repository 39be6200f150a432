import { basename, dirname, join } from 'node:path';

/** The hidden folder of working files beside an output: same folder, so the same file system, so that link() works. */
export function workspacePath(outputPath: string): string {
  return join(dirname(outputPath), `.${basename(outputPath)}.widemerge`);
}

/** What a stalled merge waited for: beside the output, since the workspace goes with the merge that succeeds in the end. */
export function stallEvidencePath(outputPath: string): string {
  return `${outputPath}.stalled.txt`;
}

/** Where the receipt of a cleaning lies. */
export function receiptPath(outputPath: string): string {
  return `${outputPath}.cleaned.json`;
}

/** Where the manifest of a published output lies. */
export function manifestPath(outputPath: string): string {
  return `${outputPath}.manifest.json`;
}

/** In the workspace: the plan for a program that merges, and what it spills. */
export function commandFolder(workspace: string): string {
  return join(workspace, 'command');
}
