/**
 * Reads columns of a table through the Storage Read API: one session, some streams side by side. A stream that breaks
 * goes on behind the rows that have come; where the session is over the table is read again by a new one.
 */
import type { BigQueryReadClient } from '@google-cloud/bigquery-storage';
import { tableFromIPC, type Data } from 'apache-arrow';
import { MergeFailure } from '../merge/errors.ts';
import { BigQueryError, treatmentOf } from './error-reasons.ts';
import { pause, type Pace } from './patiently.ts';
import { openColumn, placeValues, ValueMismatch, type ReadColumn } from './read-columns.ts';
import { isSessionOver, readReason } from './read-errors.ts';
import type { SliceMemory } from './read-memory.ts';
import { SeenPositions } from './read-positions.ts';

export interface ReadRequest {
  client: BigQueryReadClient;
  project: string;
  dataset: string;
  table: string;
  /** Of the table. */
  rows: number;
  /** Columns beside `position`, as the table calls them, with the physical type that they become. */
  columns: { name: string; physicalType: number; label: string }[];
  /** Columns that one session may have: lowered where the messages of so many are too large to be sent. */
  width: { mostColumns: number };
  /** Holds what is returned, until the next read. */
  memory: SliceMemory;
  /** At most so many side by side. */
  streams: number;
  /** Told before anything is read: a session, and the bytes that the service counts for it. */
  onSession: (session: string, bytes: number) => Promise<void>;
  /** Rows of some of the columns that have come since the last call; negative where they are read again. */
  onRows: (rows: number, columns: number) => void;
  signal?: AbortSignal;
  pace?: Pace;
}

/** Of one request or stream, one after the other without a row in between. */
const TRIES = 8;
/** A session that was made a moment ago and is over again is not the service's clock. */
const SESSIONS = 4;
/** A stream sends something every few seconds; a connection that is gone says nothing. */
const SILENT_MS = 60_000;
const CREATE_TIMEOUT_MS = 60_000;

interface OpenSession {
  schema: Uint8Array;
  streams: string[];
}

interface Table {
  seen: SeenPositions;
  columns: ReadColumn[];
  rows: number;
}

/**
 * The columns in order, every row in its place. Throws MergeFailure OutputMismatch where the table has not each row
 * once or a value that does not fit, BigQueryError, and the signal's reason.
 */
export async function readSlice(request: ReadRequest): Promise<ReadColumn[]> {
  request.memory.release();
  const { columns, width } = request;
  const read: ReadColumn[] = [];
  while (read.length < columns.length) {
    const next = columns.slice(read.length, read.length + width.mostColumns);
    try {
      read.push(...(await readColumns({ ...request, columns: next })));
    } catch (error) {
      if (!(error instanceof BigQueryError && error.remedy === 'narrower') || next.length === 1) throw error;
      width.mostColumns = Math.max(1, Math.floor(next.length * shareThatFits(error.message)));
    }
  }
  return read;
}

/** gRPC says how large the message was, and what it may be: at once to what fits, and some room. Else half. */
function shareThatFits(message: string): number {
  const [, size, limit] = /larger than max \((\d+) vs\.? (\d+)\)/i.exec(message) ?? [];
  return size === undefined ? 0.5 : Math.min(0.9, (0.9 * Number(limit)) / Number(size));
}

async function readColumns(request: ReadRequest): Promise<ReadColumn[]> {
  const { memory, rows, columns } = request;
  const mark = memory.mark();
  for (let sessions = 1; ; sessions++) {
    const open = columns.map(({ physicalType }) => openColumn(physicalType, rows, memory));
    const table: Table = { seen: new SeenPositions(rows), columns: open, rows: 0 };
    try {
      await readStreams(request, await openSession(request), table);
      table.seen.assertWhole();
      return open;
    } catch (error) {
      if (error instanceof ValueMismatch)
        throw new MergeFailure('OutputMismatch', `BigQuery: table ${request.table}: ${error.message}`);
      memory.release(mark);
      request.onRows(-table.rows, columns.length);
      if (!(error instanceof SessionOver)) throw error;
      if (sessions === SESSIONS) throw asBigQueryError(request, error.cause);
    }
  }
}

class SessionOver extends Error {}

async function openSession(request: ReadRequest): Promise<OpenSession> {
  const { client, project, dataset, table, columns, streams } = request;
  const [session] = await patiently(request, () =>
    client.createReadSession(
      {
        parent: `projects/${project}`,
        maxStreamCount: streams,
        readSession: {
          table: `projects/${project}/datasets/${dataset}/tables/${table}`,
          dataFormat: 'ARROW',
          readOptions: { selectedFields: ['position', ...columns.map(({ name }) => name)] },
        },
      },
      { timeout: CREATE_TIMEOUT_MS, maxRetries: 0 },
    ),
  );
  await request.onSession(session.name ?? '', Number(session.estimatedTotalBytesScanned ?? 0));
  return {
    schema: session.arrowSchema?.serializedSchema as Uint8Array,
    streams: (session.streams ?? []).map(({ name }) => name!),
  };
}

/** All streams, side by side; the first that fails ends the others. */
async function readStreams(request: ReadRequest, session: OpenSession, table: Table): Promise<void> {
  const failed = new AbortController();
  const signal = AbortSignal.any([failed.signal, ...(request.signal === undefined ? [] : [request.signal])]);
  const reads = session.streams.map((stream) =>
    readStream({ ...request, signal }, session, stream, table).catch((error: unknown) => {
      failed.abort(error);
      throw error;
    }),
  );
  const ended = await Promise.allSettled(reads);
  request.signal?.throwIfAborted();
  failed.signal.throwIfAborted();
  const lost = ended.find((end) => end.status === 'rejected');
  if (lost !== undefined) throw lost.reason;
}

async function readStream(request: ReadRequest, session: OpenSession, stream: string, table: Table): Promise<void> {
  let offset = 0;
  let came: () => void = () => undefined;
  const readOn = async (): Promise<void> => {
    for await (const message of messages(request, stream, offset)) {
      const rows = placeBatch(request, session.schema, message, table);
      offset += rows;
      came();
    }
  };
  await patiently(request, async (progress) => {
    came = progress;
    try {
      await readOn();
    } catch (error) {
      if (isSessionOver(error)) throw new SessionOver(`the session of ${stream} is over`, { cause: error });
      throw error;
    }
  });
}

/** The serialized record batches of a stream from row `offset` on. */
async function* messages(request: ReadRequest, stream: string, offset: number): AsyncGenerator<Uint8Array> {
  const { client, signal } = request;
  // By itself the client repeats an error, whatever it is, as long as no row has come.
  const options = { retryRequestOptions: { noResponseRetries: 0 } };
  const call = client.readRows({ readStream: stream, offset }, options);
  // A stream that is ended from here may still tell of it.
  call.on('error', () => undefined);
  const end = (error: Error): void => {
    call.cancel();
    call.destroy(error);
  };
  const onAbort = (): void => end(new Error('aborted', { cause: signal?.reason }));
  let timer: NodeJS.Timeout | undefined;
  const watch = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => end(Object.assign(new Error('it was silent for a minute'), { code: 4 })), SILENT_MS);
  };
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    signal?.throwIfAborted();
    watch();
    for await (const part of call as AsyncIterable<{ arrowRecordBatch?: { serializedRecordBatch: Uint8Array } }>) {
      watch();
      const batch = part.arrowRecordBatch?.serializedRecordBatch;
      if (batch !== undefined && batch.length > 0) yield batch;
    }
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
    call.cancel();
  }
}

/** Puts a batch in its place; how many rows it has. */
function placeBatch(request: ReadRequest, schema: Uint8Array, message: Uint8Array, table: Table): number {
  const { batches } = tableFromIPC([schema, message]);
  let rows = 0;
  for (const batch of batches) {
    const dataOf = (name: string): Data => {
      const data = batch.getChild(name)?.data[0] as Data | undefined;
      if (data === undefined) throw new ValueMismatch(`column ${name} does not come`);
      return data;
    };
    const positions = table.seen.take(dataOf('position'));
    for (const [i, { name, label }] of request.columns.entries())
      try {
        placeValues(table.columns[i]!, dataOf(name), positions);
      } catch (error) {
        if (error instanceof ValueMismatch) throw new ValueMismatch(`column ${name} (${label}) ${error.message}`);
        throw error;
      }
    rows += positions.length;
  }
  table.rows += rows;
  request.onRows(rows, request.columns.length);
  return rows;
}

/** Does `what` again while its errors pass; `progress` begins the count anew. Throws BigQueryError, and what is none. */
async function patiently<T>(request: ReadRequest, what: (progress: () => void) => Promise<T>): Promise<T> {
  let failures = 0;
  for (;;) {
    request.signal?.throwIfAborted();
    try {
      return await what(() => (failures = 0));
    } catch (error) {
      request.signal?.throwIfAborted();
      if (error instanceof ValueMismatch || error instanceof SessionOver) throw error;
      const reason = readReason(error);
      if (reason === null) throw error;
      if (treatmentOf(reason).remedy !== 'again' || ++failures === TRIES) throw asBigQueryError(request, error);
    }
    await pause(request, failures - 1);
  }
}

function asBigQueryError(request: ReadRequest, error: unknown): BigQueryError {
  const { table, dataset } = request;
  const reason = readReason(error) ?? 'unknown';
  return new BigQueryError(`reading table ${dataset}.${table}`, reason, (error as Error).message, { cause: error });
}
