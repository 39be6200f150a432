/**
 * What a service that loads Parquet takes of a checkpoint, beside its types. Sources: "Maximum columns in a table" of
 * https://cloud.google.com/bigquery/quotas, and the codecs of
 * https://cloud.google.com/bigquery/docs/loading-data-cloud-storage-parquet#parquet_compression, as of 2026-11.
 */
import { CODEC } from './parquet/decompress.ts';

/** Beside the key: a staging table has them and the key, and 10,000 columns at most. */
export const MOST_STAGED_COLUMNS = 9_999;

const LOADED: ReadonlySet<number> = new Set([
  CODEC.uncompressed,
  CODEC.snappy,
  CODEC.gzip,
  CODEC.lzo,
  CODEC.zstd,
  CODEC.lz4Raw,
]);

/** What a codec is that the service does not load, in words; null where it does. */
export function codecObstacle(codec: number): string | null {
  if (LOADED.has(codec)) return null;
  if (codec === CODEC.brotli) return 'compressed by Brotli';
  if (codec === CODEC.lz4) return 'compressed by LZ4 in its old framing';
  return `compressed by a codec that is not known (${codec})`;
}
