import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CloudHooks } from '../bigquery/cloud-session.ts';
import type { EndedJobs } from '../bigquery/end-jobs.ts';
import type { LeftResult } from '../bigquery/leave-result.ts';
import type { queryParts } from '../bigquery/query-parts.ts';
import type { ResultRequest, ResultTables } from '../bigquery/result-session.ts';
import type { stageTables } from '../bigquery/stage-tables.ts';
import type { CloudRequest } from '../bigquery/staging-tables.ts';
import type { VerifyMode } from '../contract.ts';
import type { MergeJob } from '../merge/job.ts';
import type { Backend, MergeContext } from './backend.ts';
import type { FetchedParts } from './bigquery-fetch.ts';
import { processBackend } from './process-backend.ts';

export type { CloudHooks, CloudProgress } from '../bigquery/cloud-session.ts';
export type { LeftResult } from '../bigquery/leave-result.ts';
export type { ResultTables } from '../bigquery/result-session.ts';
export type { CloudRequest } from '../bigquery/staging-tables.ts';

export type StagedTables = Awaited<ReturnType<typeof stageTables>>;
export type QueriedParts = Awaited<ReturnType<typeof queryParts>>;

/**
 * What merges a pair on BigQuery, step by step; the step `prepare` of a merge process comes first. Each is idempotent, and throws
 * a MergeError, BigQueryError, BudgetRefused, MergeFailure InputChanged, or the signal's reason.
 */
export interface BigqueryBackend {
  /** Sends the checkpoints and the spine. */
  stageTables(request: CloudRequest, hooks: CloudHooks): Promise<StagedTables>;
  /** Joins them, in parts. */
  queryParts(request: CloudRequest, hooks: CloudHooks): Promise<QueriedParts>;
  /** Reads the parts back into the draft of the output; `narrowed` is how often less memory was needed than for the attempt before. */
  fetchParts(
    request: CloudRequest,
    hooks: CloudHooks,
    job: MergeJob,
    context: MergeContext,
    narrowed: number,
  ): Promise<FetchedParts>;
  /** Ends and books what an attempt that vanished has left running; for a pair that goes elsewhere. */
  endJobs(request: CloudRequest, hooks: CloudHooks): Promise<EndedJobs>;
  /** Tables of the same checkpoints that were left before, complete; null where there are none. */
  findResult(request: ResultRequest, hooks: CloudHooks): Promise<ResultTables | null>;
  /** Leaves the merged parts there, as tables and views that stay; `verified` is of the file that was made of them. */
  leaveResult(request: ResultRequest, verified: VerifyMode, hooks: CloudHooks): Promise<LeftResult>;
  /** Removes what it has made on BigQuery but the tables that stay. */
  tidyTables(request: CloudRequest, hooks: CloudHooks): Promise<{ removed: number }>;
}

/** Beside the merge process, in the sources as in the build. */
const ENTRY = fileURLToPath(new URL(`../bigquery/process${extname(import.meta.url)}`, import.meta.url));

/** The service's clients take a third of a second to load, and are loaded where a pair comes to BigQuery. */
export function bigqueryBackend(): BigqueryBackend {
  const backend = processBackend('bigquery', 'bigquery', ENTRY);
  const merge: Backend['merge'] = (job, context) => backend.merge(job, context);
  return {
    stageTables: async (...step) => (await import('../bigquery/stage-tables.ts')).stageTables(...step),
    queryParts: async (...step) => (await import('../bigquery/query-parts.ts')).queryParts(...step),
    fetchParts: async (request, { purse }, job, context, narrowed) =>
      (await import('./bigquery-fetch.ts')).fetchParts(request, purse, job, context, { merge, narrowed }),
    endJobs: async (request, hooks) => {
      await (await import('./bigquery-read-bill.ts')).settleOpenRead(request, hooks.purse);
      return (await import('../bigquery/end-jobs.ts')).endJobs(request, hooks);
    },
    findResult: async (...step) => (await import('../bigquery/find-result.ts')).findResult(...step),
    leaveResult: async (...step) => (await import('../bigquery/leave-result.ts')).leaveResult(...step),
    tidyTables: async (...step) => (await import('../bigquery/tidy-tables.ts')).tidyTables(...step),
  };
}
