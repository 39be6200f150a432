import { execFile, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** Absolute path of a file of the project. */
export const inProject = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

export const readText = (path: string): string => readFileSync(inProject(path), 'utf8');

export const run = promisify(execFile);

/** Whether a program can be had here and answers; tests that need it say so where they skip. */
export function answers(command: string, args: string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

/** What package.json says that the images and the unit must agree with. */
export const manifest = JSON.parse(readText('package.json')) as {
  version: string;
  files: string[];
  devDependencies: Record<string, string>;
};

/** Of src/workers/run.ts: how long the worker may take between SIGTERM and its end, milliseconds. */
export function workerStopMs(): number {
  const source = readText('src/workers/run.ts');
  const constant = (name: string): number => {
    const match = new RegExp(`const ${name} = ([\\d_]+);`).exec(source);
    if (match === null)
      throw new Error(`src/workers/run.ts has no ${name} any more: the units' stop timeouts depend on it`);
    return Number(match[1]!.replaceAll('_', ''));
  };
  return constant('SHUTDOWN_GRACE_MS') + constant('SHUTDOWN_FORCE_MS');
}

/** `60s`, `1m`, `1m30s` in milliseconds. */
export function durationMs(text: string): number {
  const parts = [...text.matchAll(/(\d+)(s|m|h)/g)];
  if (parts.map(([part]) => part).join('') !== text) throw new Error(`${text} is no duration like 60s or 1m30s`);
  const unitMs = { s: 1_000, m: 60_000, h: 3_600_000 };
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * unitMs[unit as 's' | 'm' | 'h'], 0);
}
