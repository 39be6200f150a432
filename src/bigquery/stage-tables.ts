/**
 * Sends what `prepare` has left: the spine, and every checkpoint's physical view, each as a table that expires. A table
 * that is there is not sent again; nothing here parses a file.
 */
import type { TableMetadata } from '@google-cloud/bigquery';
import { readStaging, type StagedCheckpoint, type StagedSpine } from '../merge/staging.ts';
import { openCarrier, type Carrier } from './carrier.ts';
import { firstEpochOf, identityOf, openSession, type CloudHooks, type CloudSession } from './cloud-session.ts';
import { storageNanos } from './costs.ts';
import { ensureDataset } from './ensure-dataset.ts';
import { BigQueryError } from './error-reasons.ts';
import { jobId } from './job-id.ts';
import { patiently, unlessMissing, type Waiting } from './patiently.ts';
import { runJob } from './run-job.ts';
import { sideBySide } from './side-by-side.ts';
import { checkpointTable, jobLabels, spineTable, tableLabels } from './staging-tables.ts';
import type { CloudRequest, TableShape } from './staging-tables.ts';
import { stagingType } from './types.ts';
import type { LoadJob } from './upload.ts';
import type { UploadSource } from './upload-source.ts';

/** A load takes seconds whatever its size: side by side they take no more memory than a read's buffer each. */
const LOADS_AT_A_TIME = 8;
/** A table that is there by name, and by its own account lacks rows: loads that may follow each other. */
const LOADS_OF_A_TABLE = 3;

interface Shipment {
  table: TableShape;
  source: UploadSource;
  bytes: number;
}

/** Idempotent. Throws BigQueryError, BudgetRefused, MergeFailure InputChanged, and the signal's reason. */
export async function stageTables(
  request: CloudRequest,
  hooks: CloudHooks,
): Promise<{ tables: number; sent: number; bytesSent: number }> {
  const session = openSession(request, hooks);
  const staging = await readStaging(request.workspace);
  const shipments = [
    { table: spineTable(request, staging), ...spineShipment(staging.spine) },
    ...staging.checkpoints.map((checkpoint) => ({
      table: checkpointTable(request, checkpoint),
      ...checkpointShipment(checkpoint),
    })),
  ];
  await ensureDataset(session);
  const carrier = await openCarrier(session);
  const tables = distinct(shipments);
  // The merged tables hold as much again.
  const stored = 2 * staging.rows * rowBytes(staging.checkpoints) + tables.length * staging.rows * 16;
  await hooks.purse.reserve({
    ...stagingLine(request),
    nanos: storageNanos(stored, request.config.stagingExpiresMs, request.config),
    // Only a publication tidies: of a pair that ends in any other way the tables go by themselves.
    expiresMs: Date.now() + request.config.stagingExpiresMs,
  });
  const bytesTotal = tables.reduce((sum, { bytes }) => sum + bytes, 0);
  const progress = { step: 'stage', done: 0, total: tables.length, bytesDone: 0, bytesTotal };
  let [sent, bytesSent] = [0, 0];
  await sideBySide(tables, LOADS_AT_A_TIME, async (shipment) => {
    let bytesOfThis = 0;
    const isSent = await ship(session, carrier, shipment, (bytes) => {
      // What is sent a second time is no progress.
      const counted = Math.min(bytes, shipment.bytes - bytesOfThis);
      bytesOfThis += counted;
      progress.bytesDone += counted;
      hooks.onProgress?.({ ...progress });
    });
    if (isSent) {
      sent++;
      bytesSent += shipment.bytes;
    }
    progress.done++;
    progress.bytesDone += shipment.bytes - bytesOfThis;
    hooks.onProgress?.({ ...progress });
  });
  return { tables: tables.length, sent, bytesSent };
}

/** The line of what the pair's tables cost while they are kept; settled when they go. */
export const stagingLine = (request: CloudRequest): { jobId: string; step: string; kind: 'staging' } => ({
  // The same for every round: the tables are, too.
  jobId: jobId(identityOf(request, 'staging', 'tables'), 0),
  step: 'staging',
  kind: 'staging',
});

/** True where it was sent, false where it was there. */
async function ship(
  session: CloudSession,
  carrier: Carrier,
  shipment: Shipment,
  onBytes: (bytes: number) => void,
): Promise<boolean> {
  const { request, client, jobHooks } = session;
  const { table, source } = shipment;
  const { project, location, dataset } = request.config;
  const step = `stage ${source.name}`;
  let epoch = firstEpochOf(request);
  for (let load = 0; (await rowsOf(session, table)) !== table.rows; load++) {
    if (load === LOADS_OF_A_TABLE)
      throw new BigQueryError(
        `table ${table.name} (${source.name})`,
        'invalid',
        `it was loaded, and does not hold its ${table.rows} rows`,
      );
    const insert = (id: string, { moves, signal }: Waiting): Promise<void> => {
      const job: LoadJob = {
        jobReference: { projectId: project, jobId: id, location },
        configuration: {
          labels: jobLabels(request, 'stage'),
          load: {
            destinationTable: { projectId: project, datasetId: dataset, tableId: table.name },
            sourceFormat: 'PARQUET',
            schema: { fields: table.fields },
            createDisposition: 'CREATE_NEVER',
            writeDisposition: 'WRITE_EMPTY',
          },
        },
      };
      const moved = (bytes: number): void => {
        moves();
        onBytes(bytes);
      };
      return carrier.submit(job, table.name, source, { signal, onBytes: moved });
    };
    const identity = identityOf(request, step, source.content);
    // Loads are free.
    const free = (): Promise<void> => Promise.resolve();
    try {
      await carrier.bring(table.name, source, onBytes);
      const job = await runJob(
        client,
        { identity, firstEpoch: epoch, insert },
        { ...jobHooks, reserve: free, settle: free },
      );
      epoch = job.epoch + 1;
    } catch (error) {
      // Somebody else has filled it meanwhile: it is looked at again.
      if (!(error instanceof BigQueryError && error.reason === 'duplicate')) throw error;
    }
  }
  await carrier.forget(table.name);
  return epoch > firstEpochOf(request);
}

/** A table that expires within this share of its time, or never, gets its time anew. */
const RENEWED_SHARE = 0.25;

/** Rows of the table, which is made where it is missing, and kept longer where no more than this share of its time is left. */
export async function rowsOf(
  session: CloudSession,
  { name, fields }: Omit<TableShape, 'rows'>,
  renewedShare = RENEWED_SHARE,
): Promise<number> {
  const { dataset, patience, request } = session;
  const table = dataset.table(name);
  const expirationTime = `${Date.now() + request.config.stagingExpiresMs}`;
  const found = await unlessMissing(`look for table ${name}`, patience, () => table.getMetadata());
  if (found === null) {
    try {
      const metadata: TableMetadata = { schema: { fields }, expirationTime, labels: tableLabels(request) };
      await patiently(`create table ${name}`, patience, () => dataset.createTable(name, metadata));
    } catch (error) {
      if (!(error instanceof BigQueryError && error.reason === 'duplicate')) throw error;
      return rowsOf(session, { name, fields }, renewedShare);
    }
    return 0;
  }
  await keepLonger(session, name, found[0] as TableMetadata, renewedShare);
  return Number((found[0] as TableMetadata).numRows ?? 0);
}

async function keepLonger(
  session: CloudSession,
  name: string,
  metadata: TableMetadata,
  renewedShare: number,
): Promise<void> {
  const { dataset, patience, request } = session;
  const { stagingExpiresMs } = request.config;
  const left = Number(metadata.expirationTime ?? Infinity) - Date.now();
  if (left > stagingExpiresMs * renewedShare && left < Infinity) return;
  const expirationTime = `${Date.now() + stagingExpiresMs}`;
  await patiently(`keep table ${name}`, patience, () => dataset.table(name).setMetadata({ expirationTime }));
}

function spineShipment({ path, bytes, content }: StagedSpine): { source: UploadSource; bytes: number } {
  return { source: { name: 'the spine', files: [{ path, bytes }], content }, bytes };
}

function checkpointShipment(checkpoint: StagedCheckpoint): { source: UploadSource; bytes: number } {
  const { name, path, fingerprint, tail, content } = checkpoint;
  const files = [{ path, bytes: fingerprint.size, fingerprint }, tail];
  return { source: { name, files, content }, bytes: fingerprint.size + tail.bytes };
}

/** Two checkpoints with the same bytes are one table. */
function distinct(shipments: Shipment[]): Shipment[] {
  return [...new Map(shipments.map((shipment) => [shipment.table.name, shipment])).values()];
}

/** Of all values of a row but the keys. */
const rowBytes = (checkpoints: StagedCheckpoint[]): number =>
  checkpoints
    .flatMap(({ columns }) => columns)
    .reduce((sum, { type, payloadBytes }) => sum + (stagingType(type)?.bytes ?? 0) + payloadBytes, 0);
