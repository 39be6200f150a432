import { InvalidArgumentError } from 'commander';

/** Shares of a folder's columns, 0 to 1. */
export interface ColumnsRange {
  from: number;
  to: number;
}

/** `5%..100%`. */
export function columnsRangeOption(text: string): ColumnsRange {
  const [, from, to] = /^(\d+(?:\.\d+)?) ?%? ?\.\. ?(\d+(?:\.\d+)?) ?%$/.exec(text) ?? [];
  const range = { from: Number(from) / 100, to: Number(to) / 100 };
  if (!(range.from > 0 && range.from < range.to && range.to <= 1))
    throw new InvalidArgumentError('Give a range of percent that grows, above 0% and up to 100%, e.g. 5%..100%.');
  return range;
}

/** A curve that is no line shows only with a point beside the two that a line takes. */
export const LEAST_POINTS = 3;

/**
 * How many of `total` files each point of a profile merges: evenly apart from one end of the range to the other, each more
 * than the one before it. Fewer than `points` where the folder has not enough files.
 */
export function fileCounts(total: number, { from, to }: ColumnsRange, points: number): number[] {
  const shares = Array.from({ length: points }, (_, i) => from + ((to - from) * i) / (points - 1));
  const counts = shares.map((share) => Math.min(total, Math.max(1, Math.round(share * total))));
  return [...new Set(counts)];
}

/** `count` of the items, evenly spread: files that are alike stand together. */
export function spread<T>(items: readonly T[], count: number): T[] {
  return Array.from({ length: count }, (_, i) => items[Math.floor(((i + 0.5) * items.length) / count)]!);
}
