/**
 * An allocator at full speed against a 1 GiB limit, alone and as a tree of eight processes, under each memory means that this machine has: how
 * far it came beyond the limit, how long that took, and the least memory that the machine had meanwhile. And what a guarded start costs.
 *
 *   node bench/guard.ts [--rounds 5]
 */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import type { GuardedCommand } from '../src/guard/command.ts';
import { parseMeminfo } from '../src/guard/health.ts';
import { boundMemory, MEMORY_MEANS } from '../src/guard/memory-means.ts';
import { runGuarded } from '../src/guard/run.ts';
import { buildEater, feed } from '../test/guard/full-speed.ts';
import { spreadOf } from './lib/statistics.ts';

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '5' } } });
const rounds = Number(values.rounds);
const LIMIT = 2 ** 30;
const STARTS = 20;

const present = MEMORY_MEANS.filter((name) => {
  const bound = boundMemory(LIMIT, [name]);
  bound.group?.remove();
  return bound.name !== null;
});
const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);

const folder = await mkdtemp(join(tmpdir(), 'widemerge-bench-guard-'));
try {
  const program = buildEater(folder);
  if (program === null) throw new Error('the allocator needs gcc');
  console.log(
    `Absent here: ${MEMORY_MEANS.filter((name) => !present.includes(name)).join(', ') || 'none'}. Worst of ${rounds} rounds.\n`,
  );
  console.log(
    '| means | processes | speed, GB/s | beyond 1 GiB, MiB | running beyond it, ms | ended by | least free memory, MiB |',
  );
  console.log('|---|---|---|---|---|---|---|');
  for (const name of [null, ...present]) for (const processes of [1, 8]) await row(program, name, processes);
  console.log('\n| start and end of `true` under | ms, median |\n|---|---|');
  await cost('the watcher alone', { memoryMeans: [] });
  for (const name of present) await cost(name, { memoryMeans: [name] });
  await cost('a pid namespace, no hard limit', { memoryMeans: [], isolate: true });
} finally {
  await rm(folder, { recursive: true });
}

async function row(program: string, name: (typeof present)[number] | null, processes: number): Promise<void> {
  let freeBytes = Infinity;
  const timer = setInterval(() => {
    freeBytes = Math.min(freeBytes, parseMeminfo(readFileSync('/proc/meminfo', 'utf8')).freeMemoryBytes);
  }, 5);
  const meals = [];
  for (let round = 0; round < rounds; round++) {
    meals.push(await feed(program, LIMIT, processes, name === null ? [] : [name]));
  }
  clearInterval(timer);
  const speed = spreadOf(meals.map(({ bytesPerSecond }) => bytesPerSecond)).median / 1e9;
  const beyond = Math.max(0, ...meals.map(({ overshootBytes }) => overshootBytes));
  const ms = Math.max(...meals.map(({ killMs }) => killMs));
  const by = [...new Set(meals.map(({ report }) => report.limitedBy ?? report.outcome))].join(', ');
  console.log(
    `| ${name ?? 'watcher alone'} | ${processes} | ${speed.toFixed(1)} | ${mib(beyond)} | ${ms.toFixed(0)} | ${by} | ${mib(freeBytes)} |`,
  );
}

async function cost(label: string, extra: Partial<GuardedCommand>): Promise<void> {
  const limits = { memoryBytes: LIMIT, killAboveBytes: LIMIT, timeoutMs: 60_000, stallMs: 60_000, graceMs: 1000 };
  const times: number[] = [];
  for (let start = 0; start < STARTS; start++) {
    const began = performance.now();
    await runGuarded({ command: 'true', args: [], lockFiles: [], ...extra }, limits);
    times.push(performance.now() - began);
  }
  console.log(`| ${label} | ${spreadOf(times).median.toFixed(1)} |`);
}
