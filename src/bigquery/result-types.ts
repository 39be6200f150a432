/**
 * What a column of physical values (types.ts) means, said as an expression of GoogleSQL in the view over it.
 *
 * | Parquet | in the view | exact |
 * |---|---|---|
 * | booleans, floats, doubles, integers but those below | BOOL, FLOAT64, INT64 | yes |
 * | unsigned integers of 32 bits | INT64 | yes |
 * | unsigned integers of 64 bits | NUMERIC | yes |
 * | date | DATE | yes; a query that meets a day outside of the years 1 to 9999 fails |
 * | time in ms, us | TIME | yes |
 * | timestamp in ms, us, with UTC | TIMESTAMP | yes; fails outside of the years 1 to 9999 |
 * | timestamp in ms, us, local | DATETIME | yes; fails outside of the years 1 to 9999 |
 * | time, timestamp in ns | INT64, the nanoseconds | yes |
 * | decimals of 9 and 18 digits | NUMERIC; with more than 9 digits behind the point BIGNUMERIC | yes |
 * | strings, enums, JSON | STRING | yes; what is no UTF-8 becomes U+FFFD |
 * | binary, BSON, decimals as byte arrays | BYTES | yes |
 *
 * Functions: https://cloud.google.com/bigquery/docs/reference/standard-sql/functions-all
 */
export interface ViewType {
  /** Of the view's column. */
  type: string;
  /** The view's expression over the data table's column of this name. */
  sql: (column: string) => string;
  /** What the values are, where their type does not say it; else null. */
  note: string | null;
}

const MOST_NUMERIC_SCALE = 9;
const TWO_TO_64 = "NUMERIC '18446744073709551616'";

/** `described` is a type in the words of describeType that has a staging type. */
export function viewType(described: string): ViewType {
  const [physical, logical, ...details] = described.split(' ');
  const plain = (type: string, note: string | null = null): ViewType => ({ type, sql: (column) => column, note });
  const as = (type: string, sql: ViewType['sql']): ViewType => ({ type, sql, note: null });
  switch (physical) {
    case 'boolean':
      return plain('BOOL');
    case 'float':
    case 'double':
      return plain('FLOAT64');
    case 'byteArray':
      if (logical === 'string' || logical === 'enum' || logical === 'json')
        return as('STRING', (column) => `SAFE_CONVERT_BYTES_TO_STRING(${column})`);
      if (logical === 'decimal')
        return plain('BYTES', `unscaled decimal, big-endian two's complement, ${details[1]} digits behind the point`);
      return plain('BYTES');
    default:
      return integerType(logical, details) ?? plain('INT64');
  }
}

/** Null where the number is what the column means. */
function integerType(logical: string | undefined, details: string[]): ViewType | null {
  const as = (type: string, sql: ViewType['sql'], note: string | null = null): ViewType => ({ type, sql, note });
  switch (logical) {
    case 'date':
      return as('DATE', (column) => `DATE_FROM_UNIX_DATE(${column})`);
    case 'time':
      if (details[0] === 'ms') return as('TIME', (column) => timeOf(column, 'MILLISECOND'));
      if (details[0] === 'us') return as('TIME', (column) => timeOf(column, 'MICROSECOND'));
      return as('INT64', (column) => column, `${unitOf(details[0])} since midnight`);
    case 'timestamp':
      return timestampType(details);
    case 'integer':
      if (details[1] !== 'unsigned') return null;
      // Held as the two's complement of its width.
      if (details[0] === '32') return as('INT64', (column) => `${column} & 4294967295`);
      if (details[0] === '64')
        return as('NUMERIC', (column) => `CAST(${column} AS NUMERIC) + IF(${column} < 0, ${TWO_TO_64}, NUMERIC '0')`);
      return null;
    case 'decimal':
      return decimalType(Number(details[1]));
    default:
      return null;
  }
}

function timestampType([unit, zone]: string[]): ViewType {
  const from = unit === 'ms' ? 'TIMESTAMP_MILLIS' : unit === 'us' ? 'TIMESTAMP_MICROS' : null;
  if (from === null) {
    const note = `${unitOf(unit)} since 1970-01-01 00:00, ${zone === 'utc' ? 'UTC' : 'without a zone'}`;
    return { type: 'INT64', sql: (column) => column, note };
  }
  return zone === 'utc'
    ? { type: 'TIMESTAMP', sql: (column) => `${from}(${column})`, note: null }
    : { type: 'DATETIME', sql: (column) => `DATETIME(${from}(${column}))`, note: null };
}

function decimalType(scale: number): ViewType {
  const type = scale > MOST_NUMERIC_SCALE ? 'BIGNUMERIC' : 'NUMERIC';
  const unit = scale === 0 ? '1' : `0.${'0'.repeat(scale - 1)}1`;
  return { type, sql: (column) => `CAST(${column} AS ${type}) * ${type} '${unit}'`, note: null };
}

const timeOf = (column: string, unit: string): string => `TIME_ADD(TIME '00:00:00', INTERVAL ${column} ${unit})`;
const unitOf = (unit = ''): string => (unit === 'ns' ? 'nanoseconds' : `units (${unit})`);
