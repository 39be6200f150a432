import { readFile, statfs } from 'node:fs/promises';
import { availableParallelism, loadavg } from 'node:os';

import type { RunConfig } from '../payloads.ts';
import { ClockWatch, EARLIEST_SANE_MS, WORTH_TELLING_MS } from './clock.ts';
import { runHook, type HookEnding } from './hook-command.ts';
import { findLeftovers, type Leftover } from './leftovers.ts';

export type HealthThresholds = RunConfig['health'];

export interface HealthRequest {
  thresholds: HealthThresholds;
  /** An existing folder on the disk that will be written. */
  folder: string;
  /** What the merge is about to write: it must be free beyond the threshold, bytes. */
  neededDiskBytes: number;
  /** The machine's lock file. */
  machineLock: string;
}

export interface HealthReport {
  healthy: boolean;
  /** What is wrong, one line each; empty where healthy. */
  reasons: string[];
  figures: HealthFigures;
}

export interface HealthFigures {
  /** What the kernel would give without swapping (MemAvailable), bytes. */
  freeMemoryBytes: number;
  /** 0 where the machine has no swap. */
  swapUsedPercent: number;
  /** Of the file system of the folder, for unprivileged users, bytes. */
  freeDiskBytes: number;
  /** Load average of the last minute, and the cores that it is for. */
  load1: number;
  cores: number;
  /** Processes of merges whose guard is gone; a few of them. */
  leftovers: Leftover[];
  /** ISO 8601. */
  clock: string;
  /** How far the clock was moved since this process last looked, ms. */
  clockStepMs: number;
  /** How the operator's own check ended; null where there is none. */
  command: HookEnding | null;
}

/** One figure against its threshold. */
export interface HealthCheck {
  what: 'memory' | 'swap' | 'disk' | 'load' | 'left-over merges' | 'clock' | 'health.command';
  healthy: boolean;
  /** What is there and what is wanted, one line; it makes sense without `what`. */
  says: string;
}

const LEFTOVERS_SHOWN = 5;
const COMMAND_TIMEOUT_MS = 30_000;

/** Of this process: the clock is compared with its last look. */
const clockWatch = new ClockWatch();

/** The machine's health against the thresholds. Rejects with the system's error where the folder is missing. */
export async function checkHealth(request: HealthRequest): Promise<HealthReport> {
  const figures = await readFigures(request);
  const reasons = judgeHealth(figures, request).flatMap(({ healthy, says }) => (healthy ? [] : [says]));
  return { healthy: reasons.length === 0, reasons, figures };
}

async function readFigures({ thresholds, folder, machineLock }: HealthRequest): Promise<HealthFigures> {
  const { command, commandTimeoutMs = COMMAND_TIMEOUT_MS } = thresholds;
  const [meminfo, disk, leftovers, ending] = await Promise.all([
    readFile('/proc/meminfo', 'utf8'),
    statfs(folder),
    findLeftovers(machineLock),
    command === undefined ? null : runHook({ command, timeoutMs: commandTimeoutMs }),
  ]);
  return {
    ...parseMeminfo(meminfo),
    freeDiskBytes: disk.bavail * disk.bsize,
    load1: loadavg()[0] ?? 0,
    cores: availableParallelism(),
    leftovers: leftovers.slice(0, LEFTOVERS_SHOWN),
    clock: new Date().toISOString(),
    clockStepMs: clockWatch.look(),
    command: ending,
  };
}

export function parseMeminfo(text: string): Pick<HealthFigures, 'freeMemoryBytes' | 'swapUsedPercent'> {
  const kib = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0);
  const swapTotal = kib('SwapTotal');
  return {
    freeMemoryBytes: 1024 * kib('MemAvailable'),
    swapUsedPercent: swapTotal === 0 ? 0 : (100 * (swapTotal - kib('SwapFree'))) / swapTotal,
  };
}

/** Every figure, in the order in which people look. */
export function judgeHealth(
  figures: HealthFigures,
  { thresholds, folder, neededDiskBytes, machineLock }: HealthRequest,
): HealthCheck[] {
  const { minFreeMemoryBytes, maxSwapUsedPercent, minFreeDiskBytes, maxLoadPerCore } = thresholds;
  const { freeMemoryBytes, swapUsedPercent, freeDiskBytes, load1, cores, command } = figures;
  const wantedDiskBytes = minFreeDiskBytes + neededDiskBytes;
  const parts =
    neededDiskBytes > 0 ? ` (${gib(neededDiskBytes)} for the merge and ${gib(minFreeDiskBytes)} to spare)` : '';
  const load = `load ${load1.toFixed(1)} on ${cores} cores`;
  return [
    {
      what: 'memory',
      healthy: freeMemoryBytes >= minFreeMemoryBytes,
      says: `free memory ${gib(freeMemoryBytes)}, at least ${gib(minFreeMemoryBytes)} wanted`,
    },
    {
      what: 'swap',
      healthy: swapUsedPercent <= maxSwapUsedPercent,
      says: `swap ${swapUsedPercent.toFixed(0)} % used, at most ${maxSwapUsedPercent} % wanted`,
    },
    {
      what: 'disk',
      healthy: freeDiskBytes >= wantedDiskBytes,
      says: `free disk ${gib(freeDiskBytes)} at ${folder}, ${gib(wantedDiskBytes)} wanted${parts}`,
    },
    {
      what: 'load',
      healthy: maxLoadPerCore === undefined || load1 <= maxLoadPerCore * cores,
      says:
        maxLoadPerCore === undefined
          ? `${load}, no limit`
          : `${load}, at most ${(maxLoadPerCore * cores).toFixed(1)} wanted (${maxLoadPerCore} a core)`,
    },
    leftoverCheck(figures.leftovers, machineLock),
    clockCheck(figures),
    ...(command === null ? [] : [commandCheck(command)]),
  ];
}

function leftoverCheck(leftovers: Leftover[], machineLock: string): HealthCheck {
  const what = 'left-over merges';
  if (leftovers.length === 0) return { what, healthy: true, says: 'no process of a merge without its guard' };
  const list = leftovers.map(({ pid, name }) => `${name} (pid ${pid})`).join(', ');
  const pids = leftovers.map(({ pid }) => pid).join(' ');
  const says = `left over from a merge whose guard is gone, and holding ${machineLock}: ${list}; end it with: kill -9 ${pids}`;
  return { what, healthy: false, says };
}

/** A step is unhealthy at the look that notices it and not at the next: the pair waits once, and the UI says why. */
function clockCheck({ clock, clockStepMs }: HealthFigures): HealthCheck {
  const what = 'clock';
  if (Date.parse(clock) < EARLIEST_SANE_MS)
    return { what, healthy: false, says: `the clock says ${clock}, long before this program was written: set it` };
  if (Math.abs(clockStepMs) < WORTH_TELLING_MS) return { what, healthy: true, says: `the clock says ${clock}` };
  const way = clockStepMs < 0 ? 'back' : 'forward';
  const why = clockStepMs < 0 ? 'it was set' : 'it was set, or the machine slept';
  const seconds = Math.round(Math.abs(clockStepMs) / 1000);
  return { what, healthy: false, says: `the clock went ${way} by ${seconds} s since the last look (${why})` };
}

function commandCheck({ outcome, says }: HookEnding): HealthCheck {
  return { what: 'health.command', healthy: outcome === 'succeeded', says: `health.command: ${says}` };
}

const gib = (bytes: number): string => `${(bytes / 1024 ** 3).toFixed(1)} GiB`;
