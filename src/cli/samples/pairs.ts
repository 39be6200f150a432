const MAJORS = ['EUR', 'GBP', 'AUD', 'NZD', 'USD', 'CAD', 'CHF', 'JPY'];

/** The crosses of the eight majors in market convention, less EURUSD: the 27 of the incident. */
const CROSSES = MAJORS.flatMap((base, index) => MAJORS.slice(index + 1).map((quote) => base + quote)).filter(
  (pair) => pair !== 'EURUSD',
);

/** Names for `count` pairs; after the 27 real ones they are numbered. */
export function pairNames(count: number): string[] {
  return Array.from({ length: count }, (_, index) => CROSSES[index] ?? `PAIR${String(index + 1).padStart(4, '0')}`);
}
