/** What BigQuery bounds. Source: https://cloud.google.com/bigquery/quotas and /pricing, as of 2026-11. */

export const MIB = 2 ** 20;
export const GIB = 2 ** 30;
export const TIB = 2 ** 40;

/** A query is billed for at least so much of each table that it names, and in whole MiB. */
export const MIN_BILLED_BYTES = 10 * MIB;

export interface PartitionLimits {
  /** Columns of a table or a result. */
  columns: number;
  /** Tables that one query may name. */
  tables: number;
  /** Text of one query, bytes. */
  queryBytes: number;
  /** Text of a view over the partition, bytes. */
  viewBytes: number;
  /** Values of one row, bytes. */
  rowBytes: number;
}

export const PARTITION_LIMITS: PartitionLimits = {
  columns: 10_000,
  tables: 1_000,
  queryBytes: MIB,
  // A million or MiB: the documentation says 1 MB.
  viewBytes: 10 ** 6,
  rowBytes: 100 * 10 ** 6,
};
