/** Unit of a timestamp key: nanoseconds in one unit. */
export const NANOS_PER_UNIT = { ms: 1_000_000n, us: 1_000n, ns: 1n } as const;
export type TimeUnit = keyof typeof NANOS_PER_UNIT;

/** What a key column holds; keys of two checkpoints compare only where kind and zone agree. */
export type KeyType =
  | { kind: 'timestamp'; unit: TimeUnit; utc: boolean }
  | { kind: 'date' }
  | { kind: 'integer'; signed: boolean }
  | { kind: 'text' };

/**
 * Key values in the order of the rows. Integers: timestamps as instants in the finest unit among the checkpoints,
 * dates as days, integers as they are (unsigned ones up to 2^63 - 1). Text: the UTF-8 bytes as one character each (latin1), so that
 * equal means equal bytes and the order is that of the bytes.
 */
export type KeyValues = { kind: 'integer'; values: BigInt64Array } | { kind: 'text'; values: string[] };
