import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

import type { GuardedCommand, GuardLimits } from '../../src/guard/command.ts';

export const MIB = 1024 * 1024;

/** Far from what any fixture needs, so that a test that waits for one limit does not meet another. */
export const LIMITS: GuardLimits = {
  memoryBytes: 512 * MIB,
  killAboveBytes: 1024 * MIB,
  timeoutMs: 60_000,
  stallMs: 60_000,
  graceMs: 10_000,
};

export const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/${name}.ts`, import.meta.url));

/** A word in the command line of all processes of one test, which must all be gone at its end; a failed test's are ended here. */
export function processToken(context: TestContext): string {
  const token = `wm-test-${randomUUID()}`;
  context.after(() => {
    const left = processesWith(token);
    for (const line of left) process.kill(Number.parseInt(line), 'SIGKILL');
    assert.deepEqual(left, []);
  });
  return token;
}

/** Command lines of the live processes that have this word among their arguments. */
export function processesWith(token: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        return line.includes(token) ? [`${pid}: ${line.replaceAll('\0', ' ')}`] : [];
      } catch {
        return [];
      }
    });
}

export function nodeCommand(context: TestContext, name: string, ...args: string[]): GuardedCommand {
  return { command: process.execPath, args: [fixture(name), processToken(context), ...args], lockFiles: [] };
}

export function temporaryFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'wm guard é '));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export async function waitFor(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const until = performance.now() + 30_000;
  while (!(await condition())) {
    if (performance.now() > until) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
