import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { MergeFailure } from './errors.ts';

export interface DuckdbOptions {
  threads: number;
  /** Of DuckDB's own buffers; its Parquet writer takes some more. */
  memoryBytes: number;
  /** Where it may spill; empty is nowhere: it fails at once instead. */
  tempDirectory: string;
}

export interface Duckdb {
  connection: DuckDBConnection;
  close(): void;
}

/** A DuckDB in this process, in memory, that loads no extensions and keeps the order of rows. */
export async function openDuckdb({ threads, memoryBytes, tempDirectory }: DuckdbOptions): Promise<Duckdb> {
  const instance = await DuckDBInstance.create(':memory:', {
    threads: String(threads),
    memory_limit: `${Math.floor(memoryBytes / 1024)}KiB`,
    temp_directory: tempDirectory,
    preserve_insertion_order: 'true',
    autoload_known_extensions: 'false',
    autoinstall_known_extensions: 'false',
    // Files are read once; their blocks would only take memory.
    enable_external_file_cache: 'false',
  });
  const connection = await instance.connect();
  return {
    connection,
    close: () => {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

export const sqlText = (text: string): string => `'${text.replaceAll("'", "''")}'`;
export const sqlName = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** What DuckDB said as a typed failure of doing `what`; other errors as they are. */
export function duckdbFailure(error: unknown, what: string): unknown {
  if (!(error instanceof Error) || error instanceof MergeFailure) return error;
  const firstLine = error.message.split('\n', 1)[0]!;
  // Spilling to a full disk is reported as memory, too: the disk comes first.
  if (/No space left on device|Disk quota exceeded|max_temp_directory_size/.test(error.message))
    return new MergeFailure(
      'DiskFull',
      `${what}: no space left on the disk; free some, the merge goes on from there`,
      {},
      {
        cause: error,
      },
    );
  if (error.message.startsWith('Out of Memory Error'))
    return new MergeFailure(
      'MemoryExhausted',
      `${what}: DuckDB ran out of its memory: ${firstLine}`,
      {},
      { cause: error },
    );
  return error;
}

/** True where DuckDB says that the bytes of a file are not what it can read. */
export const isUnreadable = (error: unknown): error is Error =>
  error instanceof Error &&
  /^(Invalid Error|Invalid Input Error|Not implemented Error|Serialization Error)\b/.test(error.message);
