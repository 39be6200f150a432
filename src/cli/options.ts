import { InvalidArgumentError, Option } from 'commander';
import { HIGHEST_NANOS, parseDollars } from '../budget/money.ts';
import { HOST_NAME, LEAST_MEMORY_BYTES, PAIR_NAME } from '../config/rules.ts';
import { parseBytes, parseDuration } from '../config/units.ts';

/** Parsers of option values; commander turns their errors into one line that names the option. */

export function memoryOption(text: string): number {
  const bytes = parseBytes(text);
  if (bytes === undefined) throw new InvalidArgumentError('Give a size with its unit, e.g. 4GiB.');
  if (bytes < LEAST_MEMORY_BYTES) throw new InvalidArgumentError('No merge fits less than 64MiB.');
  return bytes;
}

/** A path or a name; an empty one is a variable of a script that is not set, and would mean the folder one is in. */
export function textOption(text: string): string {
  if (text === '') throw new InvalidArgumentError('It is empty.');
  return text;
}

export const KEY_HELP = 'the column that all files share, or several: a,b (default: interval_time)';

/** Names of columns: `a,b`, or one with each use of the option; `\,` stands for a comma in a name. */
export function keyOption(text: string, earlier: string[] = []): string[] {
  const names = text.split(/(?<!\\),/).map((name) => name.replaceAll('\\,', ','));
  if (names.includes('')) throw new InvalidArgumentError('Give names of columns, e.g. symbol,interval_time.');
  const key = [...earlier, ...names];
  const twice = key.find((name, index) => key.indexOf(name) < index);
  if (twice !== undefined) throw new InvalidArgumentError(`It has ${twice} twice.`);
  return key;
}

export function durationOption(text: string): number {
  const ms = parseDuration(text);
  // Timers of Node end at 2^31 ms.
  if (ms === undefined || ms === 0 || ms >= 2 ** 31)
    throw new InvalidArgumentError('Give a duration with its unit, e.g. 30m.');
  return ms;
}

/** An option in milliseconds, whose help says its default the way people write it. */
export function durationWithDefault(flags: string, description: string, text: string): Option {
  return new Option(flags, description).argParser(durationOption).default(durationOption(text), text);
}

export function integerOption(lowest: number, highest: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : NaN;
    if (!(value >= lowest && value <= highest))
      throw new InvalidArgumentError(`Give a whole number from ${lowest} to ${highest}.`);
    return value;
  };
}

export function percentOption(text: string): number {
  const value = /^\d+(\.\d+)?%?$/.test(text) ? Number.parseFloat(text) : NaN;
  if (!(value <= 100)) throw new InvalidArgumentError('Give a percentage, e.g. 15%.');
  return value / 100;
}

/** A program and its arguments, as a list in JSON. */
export function commandOption(text: string): string[] {
  let words: unknown;
  try {
    words = JSON.parse(text);
  } catch {
    words = null;
  }
  const isList = Array.isArray(words) && words.every((word): word is string => typeof word === 'string' && word !== '');
  if (!isList || !['{plan}', '{out}'].every((place) => (words as string[]).some((word) => word.includes(place))))
    throw new InvalidArgumentError('Give a list in JSON, e.g. ["python3", "my_merge.py", "{plan}", "{out}"].');
  return words as string[];
}

/** An amount of dollars, in nano-dollars. */
export function dollarsOption(text: string): number {
  const nanos = parseDollars(text) ?? 0;
  if (nanos === 0 || nanos > HIGHEST_NANOS)
    throw new InvalidArgumentError('Give dollars above 0 and up to 1000000, e.g. 50.');
  return nanos;
}

/** The name of a host, as configurations give it. */
export function hostOption(text: string): string {
  if (!HOST_NAME.test(text)) throw new InvalidArgumentError('Give letters, digits, dots, dashes and underscores.');
  return text;
}

/** Names of pairs: `A,B,C`. */
export function pairsListOption(text: string): string[] {
  const pairs = text.split(',').filter((part) => part !== '');
  if (pairs.length === 0) throw new InvalidArgumentError('Give names, e.g. EURGBP,EURJPY.');
  const wrong = pairs.find((pair, index) => !PAIR_NAME.test(pair) || pairs.indexOf(pair) < index);
  if (wrong !== undefined)
    throw new InvalidArgumentError(`${wrong} is no name of a folder, or given twice; e.g. EURGBP,EURJPY.`);
  return pairs;
}
