/**
 * How columns are held in BigQuery's staging tables, so that what comes back is what went in, bit for bit.
 *
 * A checkpoint is sent as its physical view (src/merge/parquet/physical-view.ts): bare physical values, without logical
 * types. BigQuery then converts nothing that it could convert wrongly; names and logical types stay at home and are put
 * back in the footer of the part that is fetched, as for any aligned part. So the physical type alone decides:
 *
 * | Parquet | holds | BigQuery | bytes billed | back |
 * |---|---|---|---|---|
 * | BOOLEAN | booleans | BOOL | 1 | itself |
 * | INT32 | integers of 8 to 32 bits of either sign, dates, times in ms, decimals of 9 digits | INT64 | 8 | narrowed; it was widened, so it fits |
 * | INT64 | integers of 64 bits (unsigned ones as their two's complement), timestamps and times of any unit, decimals of 18 digits | INT64 | 8 | itself |
 * | FLOAT | floats | FLOAT64 | 8 | narrowed; it was widened, so it is exact |
 * | DOUBLE | doubles | FLOAT64 | 8 | itself; NaN stays NaN, the bits of its payload are not promised |
 * | BYTE_ARRAY | strings, binary, JSON, decimals | BYTES | 2 + length | itself |
 * | FIXED_LEN_BYTE_ARRAY, INT96, nested and repeated | float16, UUIDs, wide decimals; old timestamps; lists, maps, structs | refused | | |
 *
 * A TIMESTAMP of BigQuery would cut nanoseconds and the years outside of 1 to 9999, a NUMERIC has no 38 digits before the
 * point, a STRING must be valid UTF-8, and an INT96 is always read as a TIMESTAMP. A part's writer has no fixed-length
 * arrays; such files are merged by the backend local.
 *
 * Names cannot go wrong either: columns are called c0, c1, ... by their position, in a staging table that of the file, in
 * a partition that of the pair. BigQuery's own names know no case, end at 300 characters, and exclude much that Parquet has.
 *
 * Sources: https://cloud.google.com/bigquery/docs/loading-data-cloud-storage-parquet#parquet_conversions,
 * https://cloud.google.com/bigquery/pricing#data (sizes of types), https://cloud.google.com/bigquery/docs/schemas#column_names
 */
export interface StagingType {
  bigquery: 'BOOL' | 'INT64' | 'FLOAT64' | 'BYTES';
  /** Billed for a value, without the length of BYTES; a null costs nothing. */
  bytes: number;
}

/** By the words of describeType for physical types. */
const TYPES = new Map<string, StagingType>([
  ['boolean', { bigquery: 'BOOL', bytes: 1 }],
  ['int32', { bigquery: 'INT64', bytes: 8 }],
  ['int64', { bigquery: 'INT64', bytes: 8 }],
  ['float', { bigquery: 'FLOAT64', bytes: 8 }],
  ['double', { bigquery: 'FLOAT64', bytes: 8 }],
  ['byteArray', { bigquery: 'BYTES', bytes: 2 }],
]);

/** The staging type of a column of the Parquet type `type` (in the words of describeType), or null where it has none. */
export function stagingType(type: string): StagingType | null {
  return TYPES.get(type.split(' ')[0]!) ?? null;
}
