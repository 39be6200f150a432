/** What all benches can be asked for. */
import { UsageError } from '../../src/cli/exit.ts';
import { defaultMemoryBytes, machineMemoryBytes } from '../../src/config/machine-memory.ts';
import { parseBytes, parseDuration, PERCENT_PATTERN } from '../../src/config/units.ts';
import type { RunLimits } from './measure.ts';
import { RESULTS } from './results.ts';

export const COMMON_OPTIONS = {
  rounds: { type: 'string', default: '3' },
  memory: { type: 'string' },
  timeout: { type: 'string' },
  dir: { type: 'string', default: process.env['BENCH_DIR'] ?? '/var/tmp' },
  results: { type: 'string', default: RESULTS },
} as const;

export interface CommonSettings {
  rounds: number;
  limits: RunLimits;
}

/** Of parsed options. Throws UsageError, which names the option. */
export function commonSettings(
  values: { rounds: string; memory?: string | undefined; timeout?: string | undefined },
  defaultTimeout: string,
  signal: AbortSignal,
): CommonSettings {
  return {
    rounds: countOption('--rounds', values.rounds),
    limits: {
      memoryBytes: bytesOption('--memory', values.memory) ?? defaultMemoryBytes(machineMemoryBytes()),
      timeoutMs: durationOption('--timeout', values.timeout ?? defaultTimeout),
      signal,
    },
  };
}

/** Throws UsageError. */
export function countOption(option: string, text: string): number {
  const count = Number(text);
  if (Number.isSafeInteger(count) && count > 0) return count;
  throw new UsageError(`${option} ${text}: give a whole number above 0`);
}

/** Throws UsageError. */
export function durationOption(option: string, text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined || ms === 0) throw new UsageError(`${option} ${text}: give a duration, e.g. 4m`);
  return ms;
}

/** 0 to 1. Throws UsageError. */
export function shareOption(option: string, text: string): number {
  if (PERCENT_PATTERN.test(text)) return Number.parseFloat(text) / 100;
  throw new UsageError(`${option} ${text}: give a percentage, e.g. 10%`);
}

function bytesOption(option: string, text: string | undefined): number | undefined {
  const bytes = text === undefined ? undefined : parseBytes(text);
  if (text !== undefined && bytes === undefined) throw new UsageError(`${option} ${text}: give a size, e.g. 16GiB`);
  return bytes;
}
