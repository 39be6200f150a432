/** What faults could leave behind, in this process and on the machine. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { takeLocks } from '../../../src/guard/lock.ts';
import { collectGarbage } from '../../../src/merge/system/collect-garbage.ts';
import { leaves } from '../leaves.ts';
import { MIB } from '../helpers.ts';
import type { Scene } from './scene.ts';

/** What this process holds. A figure of a later time must be none higher, but for the memory. */
export interface Held {
  descriptors: number;
  threads: number;
  listeners: number;
  /** Of /proc: a namespace of pids has one of its own. */
  mounts: number;
  /** What keeps the event loop alive, by kind: timers, processes, pipes, requests. */
  resources: Record<string, number>;
  heapBytes: number;
  rssBytes: number;
}

/** Far above what the collector leaves at one time and not at another, far below what a thousand faults would leave at 100 KB each. */
const SLACK_BYTES = 64 * MIB;

export async function held(): Promise<Held> {
  // Handles that are being closed still count until the event loop has turned.
  for (let turns = 0; turns < 10; turns++) await setImmediate();
  collectGarbage();
  const { heapUsed, external, rss } = process.memoryUsage();
  const resources: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) resources[kind] = (resources[kind] ?? 0) + 1;
  return {
    descriptors: readdirSync('/proc/self/fd').length,
    threads: readdirSync('/proc/self/task').length,
    listeners: process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0),
    mounts: readFileSync('/proc/self/mountinfo', 'utf8').split(' /proc ').length - 1,
    resources,
    heapBytes: heapUsed + external,
    rssBytes: rss,
  };
}

/** Throws where anything of the faults is left, or where this process holds more than before. */
export async function assertNothingLeft(scene: Scene, before: Held): Promise<Held> {
  assert.deepEqual(processesOf(scene), [], 'no process');
  assert.deepEqual(childrenOf(process.pid), [], 'no child, no zombie');
  const own = leaves().filter((name) => name.split('-')[3] === String(process.pid));
  assert.deepEqual(own, [], 'no control group');
  takeLocks([scene.machineLock]).close();
  assert.deepEqual(filesBelow(scene.folder), EXPECTED_FILES, 'no file');
  const now = await held();
  for (const figure of ['descriptors', 'threads', 'listeners', 'mounts'] as const)
    assert.ok(now[figure] <= before[figure], `${figure}: ${before[figure]} before, ${now[figure]} now`);
  for (const [kind, count] of Object.entries(now.resources))
    assert.ok(count <= (before.resources[kind] ?? 0), `${kind}: ${before.resources[kind] ?? 0} before, ${count} now`);
  for (const figure of ['heapBytes', 'rssBytes'] as const)
    assert.ok(
      now[figure] <= 2 * before[figure] + SLACK_BYTES,
      `${figure}: ${before[figure]} before, ${now[figure]} now`,
    );
  return now;
}

/** Made by the scene, the lock, and what the last stalls are told by. */
const EXPECTED_FILES = [
  'machine.lock',
  'out/merged.parquet.stalled.txt',
  'plain',
  'sources/a.parquet',
  'sources/b.parquet',
  'stalled.txt',
];

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1))
    .sort();
}

/** By their environment, which they have inherited whatever became of their parents and sessions; of this user, or of all for root. */
function processesOf({ folder }: Scene): string[] {
  return pids().flatMap((pid) => {
    if (pid === process.pid || !readOf(pid, 'environ').includes(folder)) return [];
    return [`${pid}: ${readOf(pid, 'cmdline').replaceAll('\0', ' ')}`];
  });
}

function childrenOf(parent: number): string[] {
  return pids()
    .map((pid) => readOf(pid, 'stat'))
    .filter((stat) => stat.slice(stat.lastIndexOf(')')).split(' ')[2] === String(parent));
}

const pids = (): number[] => readdirSync('/proc').map(Number).filter(Boolean);

function readOf(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return ''; // Gone, or another user's.
  }
}
