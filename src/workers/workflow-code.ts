import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Beside the compiled workers, made by bundle.ts: saves webpack at the start of a worker. */
const BUNDLE = fileURLToPath(new URL('../workers/workflow-bundle.cjs', import.meta.url));

export type WorkflowCode = { workflowBundle: { codePath: string } } | { workflowsPath: string };

/** The bundle where one was built, else the sources (or compiled files) themselves. */
export function workflowCode(): WorkflowCode {
  return existsSync(BUNDLE) ? { workflowBundle: { codePath: BUNDLE } } : { workflowsPath: workflowsPath() };
}

/** This file's own extension tells whether it runs from the sources or compiled. */
export function workflowsPath(): string {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return fileURLToPath(new URL(`../workflows/index.${extension}`, import.meta.url));
}
