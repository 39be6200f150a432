import type { MergeJob } from '../job.ts';
import type { MergePlan } from '../plan.ts';
import type { Medium } from '../system/disk-reader.ts';
import type { Written } from '../written.ts';

export interface VerifyRequest {
  plan: MergePlan;
  /** The temporary output, fsynced. */
  outputPath: string;
  mode: 'bytes' | 'full';
  /**
   * That wrote the output, by default `stitch`. The others take no chunk over as it is, and everything is compared by
   * value, whatever the mode; of `bigquery` a NaN is as good as any other.
   */
  engine?: MergeJob['engine'];
  /** What the engine has written; without it, bits that no value depends on may be wrong in what was not taken over. */
  written?: Written | undefined;
  /** Of the whole process: says how many checkpoints are compared by value at a time; one where it is missing. */
  memoryBytes?: number;
  onProgress: (bytesDone: number, bytesTotal: number, filesDone: number, filesTotal: number) => void;
  signal?: AbortSignal;
}

export interface Verification {
  mode: 'bytes' | 'full';
  /** Aligned checkpoints: CRC-32 of their wanted chunks' bytes in the order of the output, and how many bytes. */
  sources: { name: string; crc32: string; bytes: number }[];
  /** Columns of the output: name, checkpoint (null is the key), CRC-32 of its chunk in each row group. */
  columns: { name: string; source: string | null; crc32: string[] }[];
  /** Rows of each row group of the output. */
  rowGroupRows: number[];
  /** What was read of the output came from there. */
  medium: Medium;
  /** Of the output's footer (footer-checksum.ts), and of what lies between it and the last column chunk. */
  footerCrc32: string;
  indexCrc32: string | null;
}
