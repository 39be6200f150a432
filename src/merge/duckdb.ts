import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { MergeFailure } from './errors.ts';

export interface DuckdbOptions {
  threads: number;
  /** Of DuckDB's own buffers; its Parquet writer takes some more. */
  memoryBytes: number;
  /** Where it may spill; empty is nowhere: it fails at once instead. */
  tempDirectory: string;
  /** Ends running statements. */
  signal?: AbortSignal | undefined;
}

export interface Duckdb {
  connection: DuckDBConnection;
  /** Runs one statement; ends it when the signal is aborted, and throws the signal's reason, whatever DuckDB made of it. */
  run: (sql: string) => Promise<void>;
  close(): void;
}

/** A DuckDB in this process, in memory, that loads no extensions and keeps the order of rows. */
export async function openDuckdb({ threads, memoryBytes, tempDirectory, signal }: DuckdbOptions): Promise<Duckdb> {
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
    run: (sql) => runInterruptibly(connection, sql, signal),
    close: () => {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

/** DuckDB forgets an interruption that comes before a statement has quite begun: it is told again until it has stopped. */
const INTERRUPT_AGAIN_MS = 50;

async function runInterruptibly(
  connection: DuckDBConnection,
  sql: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  signal?.throwIfAborted();
  let timer: NodeJS.Timeout | undefined;
  const interrupt = (): void => {
    connection.interrupt();
    timer = setInterval(() => connection.interrupt(), INTERRUPT_AGAIN_MS);
  };
  signal?.addEventListener('abort', interrupt, { once: true });
  try {
    await connection.run(sql);
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', interrupt);
    clearInterval(timer);
  }
  signal?.throwIfAborted();
}

/** What DuckDB said, without the place in the query and the stack that follow. */
export const firstLine = ({ message }: Error): string => message.split('\n', 1)[0]!;

/** What DuckDB said as a typed failure of doing `what`; other errors as they are. */
export function duckdbFailure(error: unknown, what: string): unknown {
  if (!(error instanceof Error) || error instanceof MergeFailure) return error;
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
      `${what}: DuckDB ran out of its memory: ${firstLine(error)}`,
      {},
      { cause: error },
    );
  return error;
}

/** True where DuckDB says that the bytes of a file are not what it can read. */
export const isUnreadable = (error: unknown): error is Error =>
  error instanceof Error &&
  /^(Invalid Error|Invalid Input Error|Not implemented Error|Serialization Error|Out of Range Error|INTERNAL Error)\b/.test(
    error.message,
  );
