import { readFile, statfs } from 'node:fs/promises';
import { loadavg } from 'node:os';

import type { RunConfig } from '../contract.ts';

export type HealthThresholds = RunConfig['health'];

export interface HealthReport {
  healthy: boolean;
  /** What is short, one line each; empty where healthy. */
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
  /** Load average of the last minute; reported, no threshold. */
  load1: number;
}

/**
 * The machine's health against the thresholds. `folder` is an existing folder on the disk that will be written;
 * `neededDiskBytes` is what the merge is about to write, and must be free beyond the threshold. Rejects with the system's error where the folder is missing.
 */
export async function checkHealth(
  thresholds: HealthThresholds,
  folder: string,
  neededDiskBytes: number,
): Promise<HealthReport> {
  const [meminfo, disk] = await Promise.all([readFile('/proc/meminfo', 'utf8'), statfs(folder)]);
  const figures = {
    ...parseMeminfo(meminfo),
    freeDiskBytes: disk.bavail * disk.bsize,
    load1: loadavg()[0] ?? 0,
  };
  const reasons = judgeHealth(figures, thresholds, folder, neededDiskBytes);
  return { healthy: reasons.length === 0, reasons, figures };
}

export function parseMeminfo(text: string): Pick<HealthFigures, 'freeMemoryBytes' | 'swapUsedPercent'> {
  const kib = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0);
  const swapTotal = kib('SwapTotal');
  return {
    freeMemoryBytes: 1024 * kib('MemAvailable'),
    swapUsedPercent: swapTotal === 0 ? 0 : (100 * (swapTotal - kib('SwapFree'))) / swapTotal,
  };
}

export function judgeHealth(
  figures: HealthFigures,
  thresholds: HealthThresholds,
  folder: string,
  neededDiskBytes: number,
): string[] {
  const reasons: string[] = [];
  if (figures.freeMemoryBytes < thresholds.minFreeMemoryBytes) {
    reasons.push(`free memory ${gib(figures.freeMemoryBytes)}, at least ${gib(thresholds.minFreeMemoryBytes)} wanted`);
  }
  if (figures.swapUsedPercent > thresholds.maxSwapUsedPercent) {
    reasons.push(
      `swap ${figures.swapUsedPercent.toFixed(0)} % used, at most ${thresholds.maxSwapUsedPercent} % wanted`,
    );
  }
  const wantedDiskBytes = thresholds.minFreeDiskBytes + neededDiskBytes;
  if (figures.freeDiskBytes < wantedDiskBytes) {
    const parts = `${gib(neededDiskBytes)} for the merge and ${gib(thresholds.minFreeDiskBytes)} to spare`;
    reasons.push(`free disk ${gib(figures.freeDiskBytes)} at ${folder}, ${gib(wantedDiskBytes)} wanted (${parts})`);
  }
  return reasons;
}

const gib = (bytes: number): string => `${(bytes / 1024 ** 3).toFixed(1)} GiB`;
