/**
 * Joins the staged tables, partition by partition, each into a table of its own. What is there is not made again, nor
 * paid again; what is too much for one query is cut in half, the same way by whoever comes after a crash.
 */
import { rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { JobMetadata, Query } from '@google-cloud/bigquery';
import { readStaging, type Staging } from '../merge/staging.ts';
import { syncFolder } from '../merge/system/sync-folder.ts';
import { writeDurably } from '../merge/system/write-durably.ts';
import {
  earlierEpochsOf,
  firstEpochOf,
  identityOf,
  openSession,
  type CloudHooks,
  type CloudSession,
} from './cloud-session.ts';
import { queryNanos } from './costs.ts';
import { BigQueryError } from './error-reasons.ts';
import { halves, mergeQuery, mostBilledBytes } from './merge-query.ts';
import { mergedPartsPath, type MergedPart, type MergedParts } from './merged-parts.ts';
import { leavesTables } from './leaves-tables.ts';
import { limitsOf, planPartitions, type PartitionSlice } from './partitions.ts';
import { patiently } from './patiently.ts';
import { viewTextBytes } from './result-plan.ts';
import { runJob, settleKnownJobs, type JobBill } from './run-job.ts';
import { sideBySide } from './side-by-side.ts';
import { rowsOf, stageTables } from './stage-tables.ts';
import { jobLabels, mergeContent, mergedTable, type CloudRequest, type TableShape } from './staging-tables.ts';
import { stagingType } from './types.ts';

const QUERIES_AT_A_TIME = 2;
/** Staging tables that are gone (expired, or removed by somebody) are sent again so often. */
const STAGINGS = 3;
/** A query that has ended well, and whose table is gone when it is looked for. */
const QUERIES_OF_A_PART = 3;
/** Of a merged table's time: what was made a moment ago is not changed once more, since tables take few changes at a time. */
const READ_WITHIN_SHARE = 0.9;

export interface QueriedParts {
  parts: number;
  /** Of this pair in this run: jobs that were paid, and what they were billed for. */
  queries: number;
  bytesBilled: number;
  slotMs: number;
  nanos: number;
}

/**
 * Writes merged-parts.json beside the staging's. Idempotent. Throws BigQueryError, BudgetRefused (nothing more has been
 * submitted then), what stageTables throws, and the signal's reason.
 */
export async function queryParts(request: CloudRequest, hooks: CloudHooks): Promise<QueriedParts> {
  for (let staged = 1; ; staged++)
    try {
      return await queryStaged(request, hooks);
    } catch (error) {
      if (!(error instanceof BigQueryError && error.reason === 'notFound') || staged === STAGINGS) throw error;
      await stageTables(request, hooks);
    }
}

interface Total extends JobBill {
  queries: number;
  nanos: number;
}

async function queryStaged(request: CloudRequest, hooks: CloudHooks): Promise<QueriedParts> {
  const session = openSession(request, hooks);
  const staging = await readStaging(request.workspace);
  const { project, location, dataset } = request.config;
  const widths = staging.checkpoints.map(({ columns }) =>
    columns.map(({ type, payloadBytes }) => (stagingType(type)?.bytes ?? 0) + payloadBytes),
  );
  const viewTexts = leavesTables(request.config) ? viewTextBytes(staging) : null;
  const partitions = planPartitions(widths, limitsOf(request.config), viewTexts);
  const progress = { step: 'query', done: 0, total: columnsBefore(staging, Infinity), bytesDone: 0, bytesTotal: 0 };
  const total: Total = { queries: 0, bytesBilled: 0, slotMs: 0, nanos: 0 };
  const running = new Map<string, number>();
  const tell = (): void => {
    const slotMs = [...running.values()].reduce((sum, ms) => sum + ms, total.slotMs);
    hooks.onProgress?.({ ...progress, slotMs, bytesBilled: total.bytesBilled });
  };
  const query = async (slices: PartitionSlice[]): Promise<MergedPart[]> => {
    const name = partName(staging, slices);
    try {
      const part = await queryPart(session, staging, { name, slices }, total, (slotMs) => {
        running.set(name, slotMs);
        tell();
      });
      progress.done += slices.reduce((sum, { count }) => sum + count, 0);
      return [part];
    } catch (error) {
      const narrower = error instanceof BigQueryError && error.remedy === 'narrower' ? halves(slices) : null;
      if (narrower === null) throw error;
      return [...(await query(narrower[0])), ...(await query(narrower[1]))];
    } finally {
      running.delete(name);
      tell();
    }
  };
  const parts = await sideBySide(partitions, QUERIES_AT_A_TIME, ({ slices }) => query(slices));
  const merged: MergedParts = { version: 1, planId: staging.planId, project, location, dataset, parts: parts.flat() };
  await replaceDurably(mergedPartsPath(request.workspace), JSON.stringify(merged));
  return { parts: merged.parts.length, ...total };
}

/** Adds what it has cost to `total`, also where it fails. */
async function queryPart(
  session: CloudSession,
  staging: Staging,
  { name: step, slices }: { name: string; slices: PartitionSlice[] },
  total: Total,
  onSlotMs: (slotMs: number) => void,
): Promise<MergedPart> {
  const { request, client, dataset, hooks, patience, jobHooks } = session;
  const { config } = request;
  const table = mergedTable(request, staging, slices);
  const identity = identityOf(request, step, mergeContent(request, staging, slices));
  const line = (id: string, nanos: number) => ({ jobId: id, step, kind: 'scan' as const, nanos });
  const counted = new Set<string>();
  const settle = async (id: string, bill: JobBill): Promise<void> => {
    const nanos = queryNanos(bill.bytesBilled, config);
    await hooks.purse.settle(line(id, nanos));
    if (counted.has(id)) return;
    counted.add(id);
    total.bytesBilled += bill.bytesBilled;
    total.slotMs += bill.slotMs;
    total.nanos += nanos;
    if (bill.bytesBilled > 0) total.queries++;
  };
  let earlier = earlierEpochsOf(request);
  let firstEpoch = firstEpochOf(request);
  for (let queries = 0; !(await isMade(session, table)); queries++) {
    if (queries === QUERIES_OF_A_PART)
      throw new BigQueryError(
        `table ${table.name} (${step})`,
        'invalid',
        `its query does not give ${staging.rows} rows`,
      );
    const query: Query = {
      query: mergeQuery(request, staging, slices),
      location: config.location,
      defaultDataset: { projectId: config.project, datasetId: config.dataset },
    };
    const [dry] = await patiently(`estimate ${step}`, patience, () =>
      client.createQueryJob({ ...query, dryRun: true }),
    );
    const dryRunBytes = Number((dry.metadata as JobMetadata).statistics?.totalBytesProcessed ?? 0);
    const maximumBytesBilled = mostBilledBytes(staging, slices, dryRunBytes);
    try {
      const job = await runJob(
        client,
        {
          identity,
          firstEpoch,
          earlier,
          insert: (id) =>
            client.createQueryJob({
              ...query,
              jobId: id,
              destination: dataset.table(table.name),
              createDisposition: 'CREATE_NEVER',
              writeDisposition: 'WRITE_EMPTY',
              maximumBytesBilled: `${maximumBytesBilled}`,
              labels: jobLabels(request, step),
            }),
        },
        {
          ...jobHooks,
          reserve: async (id) => {
            await hooks.purse.reserve(line(id, queryNanos(maximumBytesBilled, config)));
          },
          settle,
          onState: ({ slotMs }) => onSlotMs(slotMs),
        },
      );
      // What it has made is looked at; where that is gone, another is due.
      earlier = [];
      firstEpoch = Math.max(firstEpoch, job.epoch + 1);
    } catch (error) {
      // Somebody else has made it meanwhile: it is looked at again.
      if (!(error instanceof BigQueryError && error.reason === 'duplicate')) throw error;
    }
  }
  // Paid by an attempt that could not say so any more, or in another run.
  if (firstEpoch === firstEpochOf(request))
    await settleKnownJobs(client, { identity, firstEpoch, earlier: earlierEpochsOf(request) }, { ...patience, settle });
  return { table: table.name, slices };
}

/**
 * Where it is missing it is made, empty: a query alone would leave it without a time at which it expires. Else it is seen to
 * that nearly all of that time is left: it is about to be read.
 */
async function isMade(session: CloudSession, table: TableShape): Promise<boolean> {
  return (await rowsOf(session, table, READ_WITHIN_SHARE)) === table.rows;
}

/** By the columns' places among all of the pair's, from 1 on: whoever cuts it anew finds the same names. */
function partName(staging: Staging, slices: PartitionSlice[]): string {
  const [start, end] = [slices[0]!, slices.at(-1)!];
  const first = columnsBefore(staging, start.file) + start.first + 1;
  const last = columnsBefore(staging, end.file) + end.first + end.count;
  return `merge columns ${first}-${last} of ${columnsBefore(staging, Infinity)}`;
}

const columnsBefore = ({ checkpoints }: Staging, file: number): number =>
  checkpoints.slice(0, file).reduce((sum, { columns }) => sum + columns.length, 0);

async function replaceDurably(path: string, content: string): Promise<void> {
  const temporary = `${path}.new`;
  await writeDurably(temporary, content);
  await rename(temporary, path);
  await syncFolder(dirname(path));
}
