/** Of the rounds of a measurement: median and spread. Pure. */

export interface Spread {
  median: number;
  least: number;
  most: number;
}

/** Of one number or more, in any order; the median of an even count is the mean of its two middle ones. Throws RangeError where there is none. */
export function spreadOf(numbers: readonly number[]): Spread {
  const sorted = numbers.toSorted((a, b) => a - b);
  const [least, most] = [sorted[0], sorted.at(-1)];
  if (least === undefined || most === undefined) throw new RangeError('there is no median of no numbers');
  const middle = sorted.length / 2;
  const median = (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) / 2;
  return { median, least, most };
}
