/** What keys and columns hold, in DuckDB's SQL. */

interface KeySpec {
  /** Different values; how many there are, or the values themselves. */
  values: string[];
  /** What a file may store them as. */
  types: string[];
  /** Units of time that another writer may cast them to, which hold them exactly. */
  units?: ('ms' | 'us' | 'ns')[];
  zone?: 'UTC';
  /** The column as a value that compares, whatever a file stores it as. */
  comparable: (column: string) => string;
}

const SIGNED = ['BIGINT', 'INTEGER', 'SMALLINT', 'TINYINT'];
const UNSIGNED = ['UBIGINT', 'UINTEGER', 'USMALLINT', 'UTINYINT'];
const asNumber = (column: string): string => `${column}::HUGEINT`;
const asInstant = (column: string): string => `epoch_ns(${column})`;
const itself = (column: string): string => column;

export const KEY_KINDS = {
  // Many, so that a file has thousands of rows and several row groups.
  serial: {
    values: Array.from({ length: 10_007 }, (_, i) => String(((i * 7919) % 10_007) - 5_000)),
    types: ['BIGINT', 'INTEGER'],
    comparable: asNumber,
  },
  small: { values: ['-128', '-1', '0', '1', '7', '100', '127'], types: SIGNED, comparable: asNumber },
  counts: { values: ['0', '1', '2', '99', '127'], types: [...SIGNED, ...UNSIGNED], comparable: asNumber },
  wide: {
    values: ['-9223372036854775808', '-4294967296', '-1', '0', '4294967295', '9223372036854775807'],
    types: ['BIGINT'],
    comparable: asNumber,
  },
  unsigned: {
    values: ['0', '1', '4294967296', '9223372036854775807', '9223372036854775808', '18446744073709551615'],
    types: ['UBIGINT'],
    comparable: asNumber,
  },
  text: {
    values: [
      "''",
      "'a'",
      "'A'",
      "'a' || chr(0)",
      "'a' || chr(0) || chr(255)",
      "'ab'",
      "'é'",
      "'日本'",
      "repeat('x', 300)",
    ],
    types: ['VARCHAR'],
    comparable: itself,
  },
  date: {
    values: ["'1969-12-31'", "'1970-01-01'", "'2024-02-29'", "'0001-01-01'", "'9999-12-31'"],
    types: ['DATE'],
    comparable: itself,
  },
  local: {
    values: ["'1969-12-31 23:59:59.999'", "'1970-01-01'", "'2024-01-01 00:00:00.001'", "'1800-05-05'", "'2200-01-01'"],
    types: ['TIMESTAMP', 'TIMESTAMP_MS', 'TIMESTAMP_NS'],
    units: ['ms', 'us', 'ns'],
    comparable: asInstant,
  },
  micros: {
    values: ["'1969-12-31 23:59:59.999999'", "'2024-01-01 00:00:00.000001'", "'2024-01-01 00:00:00.000002'"],
    types: ['TIMESTAMP', 'TIMESTAMP_NS'],
    units: ['us', 'ns'],
    comparable: asInstant,
  },
  nanos: {
    values: ["'1969-12-31 23:59:59.999999999'", "'2024-01-01 00:00:00.000000001'", "'2024-01-01 00:00:00.000000002'"],
    types: ['TIMESTAMP_NS'],
    comparable: asInstant,
  },
  zoned: {
    values: ["'1969-12-31 23:59:59.999+00'", "'2024-01-01 00:00:00.001+00'", "'2024-01-01 05:00:00+05'"],
    types: ['TIMESTAMPTZ'],
    units: ['ms', 'us', 'ns'],
    zone: 'UTC',
    comparable: asInstant,
  },
} as const satisfies Record<string, KeySpec>;
export type KeyKind = keyof typeof KEY_KINDS;
export const keySpec = (kind: KeyKind): KeySpec => KEY_KINDS[kind];

/** Of a row's hash `h`; a null here and there. */
export const VALUE_KINDS = {
  double: "CASE h % 5 WHEN 0 THEN NULL WHEN 1 THEN 'nan'::DOUBLE WHEN 2 THEN -0.0 ELSE h / 1000 END::DOUBLE",
  float: 'CASE WHEN h % 9 > 0 THEN (h % 1000) / 8 END::FLOAT',
  bigint: 'CASE WHEN h % 7 > 0 THEN h // 2 END::BIGINT',
  ubigint: 'h::UBIGINT',
  smallint: '(h % 100)::SMALLINT',
  boolean: 'CASE h % 3 WHEN 0 THEN NULL WHEN 1 THEN true ELSE false END',
  text: "CASE WHEN h % 4 > 0 THEN 'é' || h % 50 END",
  empty: 'NULL::VARCHAR',
  instant: "TIMESTAMP '2024-01-01' + (h % 1000)::INTEGER * INTERVAL 1 MICROSECOND",
  // Neither is rewritten: aligned, or refused by name.
  list: '[h % 3, NULL]::BIGINT[]',
  uuid: 'md5(h::VARCHAR)::UUID',
} as const;
export type ValueKind = keyof typeof VALUE_KINDS;
export const NOT_REWRITTEN: ReadonlySet<ValueKind> = new Set<ValueKind>(['list', 'uuid']);
