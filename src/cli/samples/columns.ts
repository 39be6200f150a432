/** The columns of one sample checkpoint, as SQL over the table of random walks. */

const WALKS = 16;
const KINDS = ['mid', 'ema', 'vol', 'count', 'ret', 'spread', 'rsi', 'ticks'] as const;

/** SQL of the shared table: bar number `i` and the random walks `w0`, `w1`, ... of this seed. */
export function walksSql(seed: number, rows: number): string {
  const walks = Array.from(
    { length: WALKS },
    (_, walk) => `sum((hash(i, ${seed}, ${walk}) % 20001)::BIGINT - 10000) OVER (ORDER BY i) / 1e6 AS w${walk}`,
  );
  return `CREATE OR REPLACE TABLE walks AS SELECT i, ${walks.join(', ')} FROM range(${rows}) AS bars(i) ORDER BY i`;
}

/**
 * SQL expressions with names, e.g. `... AS "ema_0413"`; names are unique within a pair. `salt` tells pairs apart:
 * their columns are other mixtures of the walks (a sum of random walks is one).
 */
export function columnsSql(salt: number, file: number, columns: number): string[] {
  return Array.from({ length: columns }, (_, index) => {
    const number = file * columns + index;
    const kind = KINDS[index % KINDS.length]!;
    return `${expression(kind, salt, number)} AS "${kind}_${String(number).padStart(4, '0')}"`;
  });
}

function expression(kind: (typeof KINDS)[number], salt: number, number: number): string {
  const draw = (use: number, below: number): number => Math.floor(mix(salt, number, use) * below);
  const noise = `hash(i, ${salt}, ${number})`;
  const a = `w${draw(1, WALKS)}`;
  const b = `w${draw(2, WALKS)}`;
  const level = (0.5 + mix(salt, number, 3)).toFixed(4);
  switch (kind) {
    case 'count':
    case 'ticks':
      // Few different values, some unknown: a dictionary and nulls.
      return `CASE WHEN ${noise} % 53 = 0 THEN NULL ELSE (${noise} % ${kind === 'count' ? 4 : 40})::BIGINT END`;
    case 'ret':
      return `((${noise} % 2001)::BIGINT - 1000) / 1e7`;
    case 'vol':
    case 'rsi':
      // Indicators know nothing before their first window is full.
      return `CASE WHEN i < ${5 + draw(4, 60)} THEN 'nan'::DOUBLE ELSE abs(${a} * ${level} - ${b}) END`;
    default:
      // Prices have five digits.
      return `round(${level} + ${a} * ${(0.1 + mix(salt, number, 5)).toFixed(4)} + ${b} / 3, 5)`;
  }
}

/** A number in [0, 1) that depends on all of its arguments, the same everywhere. */
export function mix(...parts: number[]): number {
  let state = 0x9e3779b9;
  for (const part of parts) {
    state = Math.imul(state ^ part, 0x85ebca6b);
    state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35);
    state ^= state >>> 16;
  }
  return (state >>> 0) / 2 ** 32;
}
