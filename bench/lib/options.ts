/** Values of options, each with its unit. They throw UsageError, which names the option. */
import { UsageError } from '../../src/cli/exit.ts';
import { parseBytes, parseDuration } from '../../src/config/units.ts';

export function countOption(option: string, text: string): number {
  const count = Number(text);
  if (Number.isSafeInteger(count) && count > 0) return count;
  throw new UsageError(`${option} ${text}: give a whole number above 0`);
}

/** Undefined where it is not given. */
export function bytesOption(option: string, text: string | undefined): number | undefined {
  const bytes = text === undefined ? undefined : parseBytes(text);
  if (text !== undefined && bytes === undefined) throw new UsageError(`${option} ${text}: give a size, e.g. 16GiB`);
  return bytes;
}

export function durationOption(option: string, text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined || ms === 0) throw new UsageError(`${option} ${text}: give a duration, e.g. 4m`);
  return ms;
}
